"""Pictures in the style of another: by optimising pixels (Gatys et al., CVPR 2016), and by a network that has learnt
one style (perceptual losses, Johnson et al., arXiv 1603.08155).

Both need features to compare pictures by: VGG19's where they can be had, or ones learnt here from the pictures at hand.
The latter are the first stage of a run: up to step ``style_from`` the feature network learns which picture a crop is
from, so that it knows textures and what they make up; then it rests and the generator learns the style.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor, nn

from gantool.arrays import SIGNED, from_range, sheet, to_range
from gantool.card import Port
from gantool.errors import ImageError
from gantool_trainer import cards
from gantool_trainer.data import plain
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.folders import Split
from gantool_trainer.data.pictures import centre_crop, read_picture, scaled, to_tensor
from gantool_trainer.data.views import ViewConfig, Views
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Buffers, Family, Finished, Generator, Look, Networks, SizeRule, Update
from gantool_trainer.layers.blocks import frozen, unwrap
from gantool_trainer.layers.resnet import RetouchingGenerator
from gantool_trainer.layers.vgg import Taps, learnable_taps, vgg19_taps
from gantool_trainer.looking import applied
from gantool_trainer.settings import Settings, Weight, Width

RULE = SizeRule(4, 16)
_VARIATION = 0.5
"""Weight of `variation` where pixels are optimised: areas come out calm, as painted with a broad brush."""


class Config(Settings):
    """A light network by default, which begins with the picture, as optimising pixels does; the paper's has 32 channels
    and makes every pixel anew."""

    style: str = ""
    """Path of the picture whose style is learnt."""
    style_side: Annotated[int, Field(ge=32)] = 256
    """Short side at which its style is seen."""
    features: Literal["learnt", "vgg19"] = "learnt"
    feature_channels: Width = 32
    """Of the first level of learnt features."""
    kinds: Annotated[int, Field(ge=0)] = 0
    """Pictures that features are learnt from; follows from the data."""
    style_from: Annotated[int, Field(ge=0)] = 2_000
    """The step from which the style is learnt; up to it, the features. 0 with VGG19, and where --init brings them."""
    channels: Width = 16
    blocks: Width = 5
    content_weight: Weight = 1.0
    style_weight: Weight = 1.0
    variation_weight: Weight = 2.0
    """Of the difference between neighbouring pixels, which keeps noise and spots away."""

    @model_validator(mode="after")
    def _vgg19_is_learnt_already(self) -> Self:
        if self.features == "vgg19" and self.style_from:
            raise ValueError("with features vgg19 there is nothing to learn before the style: set style_from to 0")
        return self


class PixelStep(nn.Module):
    """What a step of optimising pixels needs to know: a picture (1, 3, H, W) in 0..1, the content (1, C, h, w) and the
    style (1, G) that it should have, and the style's weight (1, 1), to the content and style that it has, the gradient
    of its loss, and the loss (1, 1)."""

    def __init__(self, features: Taps) -> None:
        super().__init__()
        self.features = features

    def forward(self, image: Tensor, content: Tensor, style: Tensor, weight: Tensor) -> tuple[Tensor, ...]:
        with torch.enable_grad():
            x = image.detach().requires_grad_()
            maps, seen = self.features(x)
            own = torch.cat([gram(m) for m in maps], dim=1)
            loss = distance(seen, content) + _VARIATION * variation(x)
            parts = zip(own.split(self.features.grams, dim=1), style.split(self.features.grams, dim=1), strict=True)
            loss = loss + weight.sum() * torch.stack([distance(a, b) for a, b in parts]).mean()
            (gradient,) = torch.autograd.grad(loss, x)
        return seen.detach(), own.detach(), gradient, loss.detach()[None, None]


def gram(x: Tensor) -> Tensor:
    """How often channels of (N, C, H, W) are active together, (N, C^2): the style, wherever it is (section 2.2)."""
    flat = x.flatten(2).float()
    return (flat @ flat.transpose(1, 2) / flat.shape[2]).flatten(1)


def distance(ours: Tensor, theirs: Tensor) -> Tensor:
    """Mean squared difference over the mean square of the target, so that layers of other strength count alike."""
    return (ours - theirs).square().mean() / theirs.square().mean().clamp_min(1e-6)


def variation(x: Tensor) -> Tensor:
    """Mean absolute difference between neighbouring pixels of (N, C, H, W)."""
    return (x[:, :, 1:] - x[:, :, :-1]).abs().mean() + (x[..., 1:] - x[..., :-1]).abs().mean()


def index(folder: Path, config: Config, data: ViewConfig, seed: int) -> tuple[Config, Split[Path]]:
    RULE.and_also(SizeRule(minimum=32)).check(data.crop)
    if not config.style:
        raise TrainingError("say whose style is to be learnt: --set model.style=painting.jpg")
    try:
        read_picture(Path(config.style))
    except ImageError as error:
        raise TrainingError(f"cannot read the style: {error}") from error
    split = plain.index(folder, data, seed)
    if config.kinds not in (0, kinds := len(split.train)):
        raise TrainingError(f"{folder} has {kinds} pictures to train on, where the run began with {config.kinds}")
    return config.model_copy(update={"kinds": kinds}), split


def networks(config: Config) -> dict[str, nn.Module]:
    generator = RetouchingGenerator(config.channels, config.blocks, "smooth")
    if config.features == "vgg19":
        return {"generator": generator, "features": vgg19_taps()}
    features = learnable_taps(config.feature_channels)
    return {"generator": generator, "features": features, "head": nn.Linear(features.width, config.kinds)}


def optimisers(config: Config) -> dict[str, tuple[str, ...]]:
    return {"generator": ("generator",), "features": ("features", "head") if config.features == "learnt" else ()}


def dataset(split: Split[Path], config: Config, data: ViewConfig, seed: int) -> Views:
    """Views with their picture's place, an int64 scalar."""
    return Views(split.train, data, seed, _number)


def _number(place: int, _: np.random.Generator) -> Tensor:
    return torch.tensor(place)


def buffers(config: Config, data: ViewConfig) -> dict[str, Tensor]:
    """The style's Gram matrices, which are known when its features are."""
    grams = vgg19_taps().grams if config.features == "vgg19" else learnable_taps(config.feature_channels).grams
    return {"style": torch.zeros(1, sum(grams))}


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update | Finished]:
    views, numbers = batch
    features, taps = networks["features"], unwrap(networks["features"])
    assert isinstance(taps, Taps)
    if index < config.style_from:
        guesses = networks["head"](features(views)[0][-1].mean(dim=(2, 3)))
        yield Update("features", {"which": F.cross_entropy(guesses, numbers)})
        return
    if index == config.style_from:
        yield Finished(("features",))
    features.eval()
    if index == config.style_from:
        buffers["style"].copy_(_style(config, features, views.device))
    made = from_range(networks["generator"](to_range(views, SIGNED)), SIGNED)
    with torch.no_grad():
        content = features(_gray(views))[1]
    with frozen(features):
        maps, _ = features(made)
        # In gray, so that large areas may take another colour; else small spots of all colours would be cheaper.
        _, seen = features(_gray(made))
    targets = buffers["style"].split(taps.grams, dim=1)
    # Of this process's crops together: were each of them to have all of the style's colours, it would get spots.
    style = torch.stack([distance(gram(m).mean(dim=0), t[0]) for m, t in zip(maps, targets, strict=True)]).mean()
    yield Update(
        "generator",
        {
            "content": config.content_weight * distance(seen.float(), content.float()),
            "style": config.style_weight * style,
            "variation": config.variation_weight * variation(made.float()),
        },
    )


def _gray(x: Tensor) -> Tensor:
    return x.mean(dim=1, keepdim=True).expand_as(x)


@torch.no_grad()
def _style(config: Config, features: nn.Module, device: torch.device) -> Tensor:
    picture = to_tensor(scaled(read_picture(Path(config.style)), config.style_side))[None].to(device)
    return torch.cat([gram(m) for m in features(picture)[0]], dim=1)


def look(config: Config, networks: Networks, split: Split[Path], data: ViewConfig) -> Look:
    """Rows of held-out pictures: as they are, in the style."""
    rows = []
    for path in split.holdout:
        picture = RULE.cut(centre_crop(scaled(read_picture(path), data.side[1]), data.side[1]))
        rows.append([picture, applied(networks["generator"], picture)])
    return sheet(rows), {}


def exports(config: Config, networks: Networks, data: ViewConfig) -> dict[str, Generator]:
    """The network of the one style and, for any style, the step by which pixels are optimised."""
    features = networks["features"]
    assert isinstance(features, Taps)
    fast = cards.from_picture("stylize", f"retouching-{config.blocks}x{config.channels}-smooth", RULE.geometry())
    channels, stride = features.content
    content, style = (1, channels, f"height/{stride}", f"width/{stride}"), (1, sum(features.grams))
    painting = cards.made(
        "stylize",
        f"gatys-{config.features}",
        (
            cards.picture("image", (0.0, 1.0), (1, 3, "height", "width")),
            Port("content", "features", content),
            Port("style", "style", style),
            Port("weight", "weight", (1, 1)),
        ),
        Port("seen_content", "features", content),
        Port("seen_style", "style", style),
        Port("gradient", "gradient", (1, 3, "height", "width")),
        Port("loss", "loss", (1, 1)),
        program="style-optimization",
        whole=True,
        geometry=SizeRule(features.stride, 4 * features.stride).geometry(),
    )
    return {"": Generator(networks["generator"], fast), "any": Generator(PixelStep(features), painting)}


FAMILY = Family(
    name="style",
    Config=Config,
    Data=ViewConfig,
    networks=networks,
    index=index,
    dataset=dataset,
    step=step,
    look=look,
    exports=exports,
    optimisers=optimisers,
    ema=("generator", "features"),
    buffers=buffers,
)
