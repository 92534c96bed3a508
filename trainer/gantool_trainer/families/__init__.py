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

_ROW: tuple[Family[Any, Any, Any], ...] = (
    srgan.FAMILY,
    pix2pix.FAMILY,
    cyclegan.FAMILY,
    discogan.FAMILY,
    pan.FAMILY,
    stargan.FAMILY,
    gan.FAMILY,
    dcgan.FAMILY,
    cgan.FAMILY,
    infogan.FAMILY,
    inpaint.FAMILY,
    pose.FAMILY,
    stackgan.FAMILY,
    style.FAMILY,
    anime.FAMILY,
)
FAMILIES = {family.name: family for family in _ROW}
