"""How much of the damage to photographs is undone."""

from pathlib import Path

import numpy as np

from gantool_trainer.data.degrade import jpeg, to_uint8
from gantool_trainer.evaluation.measure import Figures, Measure, Models, mean, psnr
from gantool_trainer.evaluation.sets import photographs
from gantool_trainer.seeds import rng

_SIGMA, _QUALITY = 15.0, 30.0


def restored(models: Models, sets: Path) -> list[Figures]:
    """PSNR (RGB) gained on damaged photographs, and of clean ones to themselves."""
    results: list[Figures] = [{} for _ in models]
    for name, photos in photographs(sets).items():
        damaged = {"JPEG 30": [], "noise 15": [], "both": [], "noise, then JPEG": [], "clean": photos}
        for number, photo in enumerate(photos):
            x, noise = photo.astype(np.float32), _SIGMA * rng(number).standard_normal(photo.shape, np.float32)
            packed = jpeg(x, _QUALITY)
            damaged["JPEG 30"].append(to_uint8(packed))
            damaged["noise 15"].append(to_uint8(x + noise))
            damaged["both"].append(to_uint8(packed + noise))
            damaged["noise, then JPEG"].append(to_uint8(jpeg(x + noise, _QUALITY)))
        for model, figures in zip(models, results, strict=True):
            for kind, pictures in damaged.items():
                after = mean([psnr(model(picture), photo) for picture, photo in zip(pictures, photos, strict=True)])
                if kind == "clean":
                    figures[f"{name} clean PSNR"] = after
                    continue
                before = mean([psnr(picture, photo) for picture, photo in zip(pictures, photos, strict=True)])
                figures |= {f"{name} {kind} gain": after - before, f"{name} {kind} PSNR": after}
    return results


MEASURES = {
    "restore": Measure(
        ("restore",),
        f"PSNR (RGB) gained on 50 photographs of B100 and on 13 outdoor ones of 512 px: JPEG {_QUALITY:.0f}, noise of "
        f"sigma {_SIGMA:.0f}, both in this order and in the other; clean: PSNR to itself",
        restored,
    ),
}
