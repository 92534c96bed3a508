"""Pictures from noise by dense networks: the first GAN (arXiv 1406.2661)."""

from collections.abc import Iterator

from torch import nn

from gantool.card.ports import Noise
from gantool_trainer import cards, from_noise, losses
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.squares import SquareConfig
from gantool_trainer.family import Buffers, Family, Generator, Networks, Update
from gantool_trainer.layers.blocks import Shape
from gantool_trainer.layers.dcgan import TrunkDiscriminator
from gantool_trainer.layers.dense import DenseGenerator, DenseTrunk
from gantool_trainer.settings import Settings, Width


class Config(Settings):
    """Widths as they are usual for MNIST; dropout in the discriminator, as in the paper (section 5), and batch norm in
    the generator, which is younger."""

    shape: Shape = (1, 28, 28)
    """Of the pictures; follows from the data."""
    latent: Width = 100
    noise: Noise = "uniform"
    hidden: tuple[Width, ...] = (128, 256, 512)
    discriminator_hidden: tuple[Width, ...] = (512, 256)


def networks(config: Config) -> dict[str, nn.Module]:
    return {
        "generator": DenseGenerator(config.latent, config.hidden, config.shape),
        "discriminator": TrunkDiscriminator(DenseTrunk(0, config.discriminator_hidden, config.shape)),
    }


def step(config: Config, networks: Networks, buffers: Buffers, batch: Batch, index: int) -> Iterator[Update]:
    real = from_noise.pictures(batch)
    fake = networks["generator"](from_noise.noise(config.noise, len(real), config.latent, real.device))
    # The generator's is not log(1 - D) but -log D, whose gradient is strong at the beginning (section 3).
    yield from from_noise.updates(losses.ADVERSARIAL["bce"], networks, real, fake)


def exports(config: Config, networks: Networks, data: SquareConfig) -> dict[str, Generator]:
    inputs = (cards.latent(config.noise, config.latent),)
    name = f"dense-{'-'.join(map(str, config.hidden))}"
    return {"": Generator(networks["generator"], cards.from_noise(name, inputs, config.shape))}


FAMILY = Family(
    name="gan",
    Config=Config,
    Data=SquareConfig,
    networks=networks,
    index=from_noise.index,
    dataset=from_noise.dataset,
    step=step,
    look=from_noise.look,
    exports=exports,
)
