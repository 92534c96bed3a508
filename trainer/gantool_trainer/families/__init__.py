"""The GAN systems: a file each, and one row of them all, in the order of their papers."""

from typing import Any

from gantool_trainer.families import (
    anime,
    cgan,
    cyclegan,
    dcgan,
    discogan,
    gan,
    infogan,
    inpaint,
    pan,
    pix2pix,
    pose,
    srgan,
    stackgan,
    stargan,
    style,
)
from gantool_trainer.family import Family

_ROW = (
    srgan,
    pix2pix,
    cyclegan,
    discogan,
    pan,
    stargan,
    gan,
    dcgan,
    cgan,
    infogan,
    inpaint,
    pose,
    stackgan,
    style,
    anime,
)
FAMILIES: dict[str, Family[Any, Any, Any]] = {room.FAMILY.name: room.FAMILY for room in _ROW}
