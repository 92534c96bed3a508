"""How much of the damage to photographs is undone."""

from pathlib import Path

import numpy as np

import gantool
from gantool_trainer.data.degrade import jpeg, to_uint8
from gantool_trainer.data.pictures import Picture
from gantool_trainer.evaluation.measure import Figures, Measure, each
from gantool_trainer.evaluation.sets import photographs
from gantool_trainer.metrics import mean_of, psnr
from gantool_trainer.seeds import rng

_SIGMA, _QUALITY = 15.0, 30.0


def restored(model: gantool.Model, sets: Path) -> Figures:
    """PSNR (RGB) gained on damaged photographs, and of clean ones to themselves."""
    figures: Figures = {}
    for name, photos in photographs(sets).items():
        damaged: dict[str, list[Picture]] = {"JPEG 30": [], "noise 15": [], "both": [], "noise, then JPEG": []}
        for number, photo in enumerate(photos):
            x, noise = photo.astype(np.float32), _SIGMA * rng(number).standard_normal(photo.shape, np.float32)
            packed = jpeg(x, _QUALITY)
            damaged["JPEG 30"].append(to_uint8(packed))
            damaged["noise 15"].append(to_uint8(x + noise))
            damaged["both"].append(to_uint8(packed + noise))
            damaged["noise, then JPEG"].append(to_uint8(jpeg(x + noise, _QUALITY)))
        for kind, pictures in damaged.items():
            before, after = mean_of(psnr, pictures, photos), mean_of(psnr, map(model, pictures), photos)
            figures |= {f"{name} {kind} gain": after - before, f"{name} {kind} PSNR": after}
        figures[f"{name} clean PSNR"] = mean_of(psnr, map(model, photos), photos)
    return figures


MEASURES = {
    "restore": Measure(
        ("restore",),
        f"PSNR (RGB) gained on 50 photographs of B100 and on 13 outdoor ones of 512 px: JPEG {_QUALITY:.0f}, noise of "
        f"sigma {_SIGMA:.0f}, both in this order and in the other; clean: PSNR to itself",
        each(restored),
    ),
}
