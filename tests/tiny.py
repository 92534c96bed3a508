"""Every family made small: overrides that change nothing else, data to train on, and a run through the CLI."""

from dataclasses import dataclass
from pathlib import Path

COMMON = ("data.holdout=1", "data.workers=0", "train.steps=2", "train.precision=32-true")
TINY = (
    *COMMON,
    "model.channels=8",
    "model.blocks=2",
    "model.discriminator_channels=4",
    "model.features=discriminator",
    "data.crop=32",
    "train.batch=2",
)
"""For super-resolution, the family that most tests use."""


@dataclass(frozen=True)
class Small:
    """How a family is tested."""

    overrides: tuple[str, ...]
    verb: str
    """The command that runs what it exports."""


SMALL = {
    "srgan": Small(TINY, "upscale"),
    "cyclegan": Small(
        (
            *COMMON,
            "model.channels=4",
            "model.blocks=1",
            "model.discriminator_channels=4",
            "data.crop=64",
            "data.side=[64, 72]",
            "data.balance=",
        ),
        "translate",
    ),
}


def lay_out(family: str, pictures: Path, folder: Path) -> Path:
    """A data folder of the kind that the family takes, made of eight photographs."""
    if family == "srgan":
        return pictures
    photographs = sorted(path for path in pictures.iterdir() if path.suffix == ".jpg")
    for number, path in enumerate(photographs):
        target = folder / ("trainA" if number % 2 else "trainB") / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(path)
    return folder
