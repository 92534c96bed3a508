"""The GAN systems. A family is a module with the members that `gantool_trainer.family.Family` lists."""

from typing import cast

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

FAMILIES: dict[str, Family] = {
    "srgan": cast(Family, srgan),
    "pix2pix": cast(Family, pix2pix),
    "cyclegan": cast(Family, cyclegan),
    "discogan": cast(Family, discogan),
    "pan": cast(Family, pan),
    "stargan": cast(Family, stargan),
    "gan": cast(Family, gan),
    "dcgan": cast(Family, dcgan),
    "cgan": cast(Family, cgan),
    "infogan": cast(Family, infogan),
    "inpaint": cast(Family, inpaint),
    "pose": cast(Family, pose),
    "stackgan": cast(Family, stackgan),
    "style": cast(Family, style),
    "anime": cast(Family, anime),
}
