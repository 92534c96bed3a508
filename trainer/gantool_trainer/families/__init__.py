"""The GAN systems. A family is a module with the members that `gantool_trainer.family.Family` lists."""

from typing import cast

from gantool_trainer.families import cyclegan, srgan
from gantool_trainer.family import Family

FAMILIES: dict[str, Family] = {"srgan": cast(Family, srgan), "cyclegan": cast(Family, cyclegan)}
