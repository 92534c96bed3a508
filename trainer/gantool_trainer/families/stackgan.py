"""Pictures from texts, in two stages: StackGAN (arXiv 1612.03242)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from gantool.card import Port
from gantool.text import END, read, words
from gantool_trainer import cards, from_noise, losses
from gantool_trainer.data import captioned
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.captioned import Captioned, CaptionedConfig
from gantool_trainer.data.folders import Split
from gantool_trainer.data.squares import Squares
from gantool_trainer.diffaugment import augmented
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Buffers, Family, Finished, Generator, Look, Networks, Update
from gantool_trainer.layers.blocks import Residual, Shape, conv3x3, frozen, unwrap
from gantool_trainer.layers.dcgan import ConvGenerator, ConvTrunk, DiscriminatorNorm
from gantool_trainer.layers.fastgan import FastGenerator
from gantool_trainer.layers.init import initialise
from gantool_trainer.layers.projected import ProjectedTextDiscriminator
from gantool_trainer.layers.sampling import KERNEL4, Sampling
from gantool_trainer.losses import Adversarial
from gantool_trainer.settings import Interval, Settings, Weight, Width

_TEMPERATURE = 0.1
_ROWS = 8
_MADE = ("encoder", "first", "second")
"""The networks that users run, one after the other."""


class Config(Settings):
    """The paper's losses; networks of a size to choose. Its text encoder comes trained from elsewhere, ours is trained
    beside the rest to tell which text belongs to which picture."""

    shape: Shape = (3, 256, 256)
    """Of the second stage's pictures; follows from the data."""
    vocabulary: tuple[str, ...] = ()
    """Words by their number; follows from the data."""
    words: Width = 16
    """Of a text, that are read."""
    first_side: Annotated[int, Field(ge=16, multiple_of=4)] = 64
    """Of the first stage's pictures."""
    second_from: Width = 100_000
    """The step at which the second stage's training begins, and the first one's ends."""
    embedding: Width = 128
    """Numbers that stand for a text."""
    condition: Width = 128
    latent: Width = 100
    generator: Literal["dcgan", "fastgan"] = "dcgan"
    """Of the first stage: the paper's, or FastGAN's (arXiv 2101.04775), most of whose latent is noise for its maps."""
    channels: Width = 64
    sampling: Sampling = "smooth"
    second_channels: Width = 64
    second_blocks: Width = 4
    discriminator: Literal["stackgan", "projected"] = "stackgan"
    """The paper's, or ones on fixed features (arXiv 2111.01007), which have no other choices than the side."""
    discriminator_side: Width = 96
    """To which pictures are scaled for fixed features; a multiple of 32."""
    discriminator_channels: Width = 64
    discriminator_norm: DiscriminatorNorm = "batch"
    """Of their convolutions."""
    loss: Literal["bce", "hinge"] = "bce"
    penalty: Weight = 0.0
    """On the discriminators' slope (DRAGAN, arXiv 1705.07215); needs ones without batch norm."""
    penalty_every: Interval = 1
    text_matching: Weight = 0.0
    """Of the made pictures being found by their texts among a batch's, and the reverse, as the real ones are (after
    AttnGAN, arXiv 1711.10485): a stronger voice for the text than the discriminator's."""
    divergence: Weight = 1.0
    """Of the conditions' distribution from N(0, 1) (equation 2)."""
    augment: bool = False
    """Whether the discriminators see everything changed at random, so that they learn no picture by heart."""

    @model_validator(mode="after")
    def _each_picture_has_a_slope(self) -> Self:
        if self.penalty:
            from_noise.check_slope(self.discriminator_norm)
        return self


class TextEncoder(nn.Module):
    """The strongest answers of a convolution over the words: (N, words) int64 to (N, embedding)."""

    def __init__(self, vocabulary: int, embedding: int) -> None:
        super().__init__()
        self.embed = nn.Embedding(vocabulary, embedding)
        self.read = nn.Conv1d(embedding, embedding, 3, padding=1)
        self.out = nn.Linear(embedding, embedding)

    def forward(self, text: Tensor) -> Tensor:
        there = (text != 0).unsqueeze(1)
        x = F.relu(self.read(self.embed(text).transpose(1, 2) * there)) * there
        return self.out(x.amax(dim=2))


class PictureEncoder(nn.Module):
    """(N, 3, S, S) to (N, embedding), near the embeddings of its texts."""

    def __init__(self, channels: int, embedding: int, shape: Shape) -> None:
        super().__init__()
        self.trunk = ConvTrunk(0, channels, shape, "batch")
        self.out = nn.Linear(self.trunk.features, embedding)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.trunk(x))


class Conditioner(nn.Module):
    """Conditioning augmentation (section 3.2): embeddings (N, e) and noise (N, c) to conditions (N, c), with the mean
    and the log variance that they are drawn with."""

    def __init__(self, embedding: int, condition: int) -> None:
        super().__init__()
        self.layer = nn.Linear(embedding, 2 * condition)

    def forward(self, embedding: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, log_variance = F.leaky_relu(self.layer(embedding), 0.2).chunk(2, dim=1)
        return mean + torch.exp(log_variance / 2) * noise, mean, log_variance


class FirstStage(nn.Module):
    """Embedding (N, e), latent (N, z) and noise of the condition (N, c) to (picture, mean, log variance)."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.condition = Conditioner(config.embedding, config.condition)
        c, shape = config.condition, first_shape(config)
        if config.generator == "fastgan":
            self.draw: nn.Module = FastGenerator(config.latent, c, config.channels, shape)
        else:
            self.draw = ConvGenerator(config.latent + c, config.channels, shape, config.sampling)

    def forward(self, embedding: Tensor, latent: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        condition, mean, log_variance = self.condition(embedding, noise)
        return self.draw(latent, condition), mean, log_variance


class SecondStage(nn.Module):
    """A first-stage picture, looked at again with the text, to a larger one (section 3.4): what is made is added to the
    enlarged picture, and is nothing at first."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        c = config.second_channels
        self.condition = Conditioner(config.embedding, config.condition)
        self.look = nn.Sequential(
            *(conv3x3(3, c), nn.ReLU()),
            *(nn.Conv2d(c, 2 * c, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * c), nn.ReLU()),
            *(nn.Conv2d(2 * c, 4 * c, 4, 2, 1, bias=False), nn.BatchNorm2d(4 * c), nn.ReLU()),
        )
        self.join = nn.Sequential(conv3x3(4 * c + config.condition, 4 * c), nn.BatchNorm2d(4 * c), nn.ReLU())
        self.think = nn.Sequential(
            *(
                Residual(
                    *(conv3x3(4 * c, 4 * c), nn.BatchNorm2d(4 * c), nn.ReLU()),
                    *(conv3x3(4 * c, 4 * c), nn.BatchNorm2d(4 * c)),
                )
                for _ in range(config.second_blocks)
            ),
        )
        self.factor = config.shape[1] // config.first_side
        ups = (4 * self.factor).bit_length() - 1
        widths = [4 * c, *(max(c // 2, 4 * c // 2 ** (i + 1)) for i in range(ups))]
        up, layers = KERNEL4[config.sampling][1], list[nn.Module]()
        for i in range(ups):
            layers += [up(widths[i], widths[i + 1]), nn.BatchNorm2d(widths[i + 1]), nn.ReLU()]
        self.draw = nn.Sequential(*layers, conv3x3(widths[-1], 3))
        initialise(self)
        nn.init.zeros_(self.draw[-1].weight)  # type: ignore[arg-type]

    def forward(self, picture: Tensor, embedding: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        condition, mean, log_variance = self.condition(embedding, noise)
        seen = self.look(picture)
        planes = condition[:, :, None, None].expand(-1, -1, *seen.shape[2:])
        drawn = self.draw(self.think(self.join(torch.cat([seen, planes], dim=1))))
        large = F.interpolate(picture, scale_factor=float(self.factor), mode="bilinear", align_corners=False)
        return large + drawn, mean, log_variance


class MatchingDiscriminator(nn.Module):
    """Says whether a picture is real and the text's (section 3.3): (N, 3, S, S) and (N, e) to scores (N, 1)."""

    def __init__(self, config: Config, shape: Shape) -> None:
        super().__init__()
        self.trunk = ConvTrunk(0, config.discriminator_channels, shape, config.discriminator_norm)
        self.read = nn.Sequential(nn.Linear(config.embedding, config.condition), nn.LeakyReLU(0.2))
        joined = self.trunk.features + config.condition
        self.logits = nn.Sequential(
            nn.Linear(joined, config.condition), nn.LeakyReLU(0.2), nn.Linear(config.condition, 1)
        )

    def forward(self, picture: Tensor, embedding: Tensor) -> Tensor:
        return self.logits(torch.cat([self.trunk(picture), self.read(embedding)], dim=1))


class StackedGenerator(nn.Module):
    """Both stages and the reading of the text: (N, words) int64, the latent and the noise of both conditions to the
    second stage's pictures and the first's."""

    def __init__(self, encoder: nn.Module, first: nn.Module, second: nn.Module) -> None:
        super().__init__()
        self.encoder, self.first, self.second = encoder, first, second

    def forward(self, text: Tensor, latent: Tensor, noise: Tensor, second_noise: Tensor) -> tuple[Tensor, Tensor]:
        embedding = self.encoder(text)
        picture, *_ = self.first(embedding, latent, noise)
        large, *_ = self.second(picture, embedding, second_noise)
        return large, picture


def first_shape(config: Config) -> Shape:
    return (3, config.first_side, config.first_side)


def index(folder: Path, config: Config, data: CaptionedConfig, seed: int) -> tuple[Config, Split[Captioned]]:
    if data.gray:
        raise TrainingError("StackGAN makes pictures in colour; leave out data.gray")
    if data.side % config.first_side or (data.side // config.first_side) & (data.side // config.first_side - 1):
        raise TrainingError(f"data.side is {data.side}; give model.first_side, {config.first_side}, times 1, 2, 4, ...")
    from_noise.check_networks(config, config.first_side)
    vocabulary = config.vocabulary
    if not vocabulary:
        texts = captioned.texts_of(folder, data.columns)
        vocabulary = (END, *sorted({word for text in texts for word in words(text)[: config.words]}))
    config = config.model_copy(update={"shape": from_noise.shape_of(data), "vocabulary": vocabulary})
    return config, captioned.index(folder, data, seed)


def networks(config: Config) -> dict[str, nn.Module]:
    return {
        "encoder": TextEncoder(len(config.vocabulary), config.embedding),
        "matcher": PictureEncoder(config.discriminator_channels // 2 or 1, config.embedding, first_shape(config)),
        "first": FirstStage(config),
        "second": SecondStage(config),
        "first_discriminator": _discriminator(config, first_shape(config)),
        "second_discriminator": _discriminator(config, config.shape),
    }


def _discriminator(config: Config, shape: Shape) -> nn.Module:
    if config.discriminator == "projected":
        return ProjectedTextDiscriminator(config.discriminator_side, config.embedding)
    return MatchingDiscriminator(config, shape)


def optimisers(config: Config) -> dict[str, tuple[str, ...]]:
    return {
        "encoder": ("encoder", "matcher"),
        "generator": ("first",),
        "discriminator": ("first_discriminator",),
        "second_generator": ("second",),
        "second_discriminator": ("second_discriminator",),
    }


def dataset(split: Split[Captioned], config: Config, data: CaptionedConfig, seed: int) -> Squares:
    numbers = np.stack([_tokens(config, item) for item in split.train])
    return Squares([item.path for item in split.train], (numbers,), data, seed)


def _tokens(config: Config, item: Captioned) -> np.ndarray:
    """(texts, words)."""
    return np.stack([read(config.vocabulary, text, config.words).tokens for text in item.texts])


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update | Finished]:
    real, texts = from_noise.pictures(batch), batch[1]
    count, device = len(real), real.device
    text = texts[torch.arange(count), torch.randint(texts.shape[1], (count,)).to(device)]
    small = F.interpolate(real, size=first_shape(config)[1:], mode="area")
    noise = [from_noise.noise("normal", count, length, device) for length in _noises(config)]

    if index < config.second_from:
        embedding = networks["encoder"](text)
        yield Update("encoder", {"matching": matching(embedding, networks["matcher"](small), text)})
        embedding = embedding.detach()
        fake, mean, log_variance = networks["first"](embedding, *noise[:2])
        real, discriminator, prefix = small, networks["first_discriminator"], ""
    else:
        if index == config.second_from:
            yield Finished(("encoder", "first"))
        for name in ("encoder", "matcher", "first"):  # they are done: as they will be run
            networks[name].eval()
        with torch.no_grad():
            embedding = networks["encoder"](text)
            picture, *_ = networks["first"](embedding, *noise[:2])
        fake, mean, log_variance = networks["second"](picture, embedding, noise[2])
        discriminator, prefix = networks["second_discriminator"], "second_"

    shown = augmented if config.augment else nn.Identity()
    seen, made = shown(real), shown(fake.detach())
    loss = losses.ADVERSARIAL[config.loss]
    judged = discriminator_losses(loss, discriminator, seen, made, embedding, other(texts, text))

    def slope() -> Tensor:
        return losses.dragan(lambda x: unwrap(discriminator)(x, embedding), seen)

    penalty = losses.lazy_penalty(config.penalty, config.penalty_every, index, slope)
    yield Update(f"{prefix}discriminator", judged | penalty)
    terms = {"divergence": config.divergence * divergence(mean, log_variance)}
    with frozen(discriminator, networks["matcher"]):
        terms["adversarial"] = loss.made(discriminator(shown(fake), embedding))
        if config.text_matching:
            small = F.interpolate(fake, size=first_shape(config)[1:], mode="area")
            terms["text_matching"] = config.text_matching * matching(embedding, networks["matcher"](small), text)
    yield Update(f"{prefix}generator", terms)


def discriminator_losses(
    loss: Adversarial, discriminator: nn.Module, real: Tensor, fake: Tensor, embedding: Tensor, mismatched: Tensor
) -> dict[str, Tensor]:
    """The discriminator's terms: what is real and the text's, what is not the text's where ``mismatched`` (N,) is 1,
    and what is made."""
    wrong = discriminator(real, embedding.roll(1, dims=0))[mismatched > 0]
    return {
        "real": loss.real(discriminator(real, embedding)),
        "mismatched": loss.fake(wrong) / 2 if len(wrong) else wrong.new_zeros(()),
        "fake": loss.fake(discriminator(fake, embedding)) / 2,
    }


def other(texts: Tensor, text: Tensor) -> Tensor:
    """(N,): 1 where the text before is none of a picture's own, which are (N, texts, words), 0 where it is."""
    return 1 - (texts == text.roll(1, dims=0)[:, None]).all(dim=2).any(dim=1).float()


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of N(mean, variance) from N(0, 1), a mean over numbers (equation 2)."""
    return (mean.square() + log_variance.exp() - 1 - log_variance).mean() / 2


def matching(texts: Tensor, pictures: Tensor, tokens: Tensor) -> Tensor:
    """How badly texts and pictures find each other among a batch, both ways; the same text fits alike."""
    alike = (tokens[:, None] == tokens[None]).all(dim=2).float()
    target = alike / alike.sum(dim=1, keepdim=True)
    likeness = F.normalize(texts, dim=1) @ F.normalize(pictures, dim=1).T / _TEMPERATURE
    return (F.cross_entropy(likeness, target) + F.cross_entropy(likeness.T, target)) / 2


def _noises(config: Config) -> tuple[int, int, int]:
    return config.latent, config.condition, config.condition


def look(config: Config, networks: Networks, split: Split[Captioned], data: CaptionedConfig) -> Look:
    """A row for each of eight held-out texts, with the same noise in each column."""
    items = [split.holdout[i % len(split.holdout)] for i in range(_ROWS)]
    text = torch.from_numpy(np.stack([_tokens(config, item)[0] for item in items]))
    made = StackedGenerator(*(networks[name] for name in _MADE))

    def drawn(noise: Tensor) -> Tensor:
        parts = noise[:_ROWS].repeat(_ROWS, 1).split(_noises(config), dim=1)
        return made(text.to(noise.device).repeat_interleave(_ROWS, dim=0), *parts)[0]

    return from_noise.look_at(drawn, networks["first"], "normal", sum(_noises(config)))


def exports(config: Config, networks: Networks, data: CaptionedConfig) -> dict[str, Generator]:
    """Raises TrainingError before the second stage is trained."""
    if not any(bool(p.any()) for p in networks["second"].draw[-1].parameters()):  # type: ignore[index, union-attr]
        raise TrainingError("the second stage is not trained yet; train on, past the step model.second_from")
    latent, condition, _ = _noises(config)
    inputs = (
        Port("text", "text", ("batch", config.words), labels=config.vocabulary, dtype="int64"),
        cards.latent("normal", latent),
        Port("condition", "latent", ("batch", condition)),
        Port("second_condition", "latent", ("batch", condition)),
    )
    name = f"stackgan-{config.channels}-{config.second_blocks}x{config.second_channels}"
    card = cards.from_noise(name, inputs, config.shape, first_shape(config))
    network = StackedGenerator(*(networks[name] for name in _MADE))
    return {"": Generator(network, card)}


FAMILY = Family(
    name="stackgan",
    Config=Config,
    Data=CaptionedConfig,
    networks=networks,
    index=index,
    dataset=dataset,
    step=step,
    look=look,
    exports=exports,
    optimisers=optimisers,
    ema=_MADE,
)
