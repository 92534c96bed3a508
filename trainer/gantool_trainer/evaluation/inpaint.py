"""What is in a hole, beside what was there, and beside what is filled in without learning."""

from pathlib import Path

import numpy as np

from gantool_trainer.data.pictures import Picture, centre_crop, read_picture, scaled
from gantool_trainer.evaluation.measure import Figures, Measure, Models, mean, psnr
from gantool_trainer.evaluation.sets import photographs


def filled(models: Models, sets: Path, every: int = 1, side: int = 128) -> list[Figures]:
    """PSNR in the hole of a quarter of the picture, in its middle, beside the mean colour around it and OpenCV's two
    fills: of held-out faces and of the middle of B100's photographs."""
    faces = [read_picture(path) for path in sorted((sets / "utkface" / "test").iterdir())[::every]]
    shown = {"faces": [scaled(face, side) for face in faces]}
    if all(not model.card.taking("latent") for model in models):
        shown["B100"] = [centre_crop(photo, 256) for photo in photographs(sets)["B100"]]
    results: list[Figures] = [{} for _ in models]
    for name, pictures in shown.items():
        length = pictures[0].shape[0]
        hole = slice(length // 4, length - length // 4)
        box = (length // 4, length // 4, length // 2, length // 2)
        known: Figures = {}
        for way, values in diffused(pictures, hole).items():
            known[f"{name} {way}"] = mean(
                [psnr(x[hole, hole], p[hole, hole]) for x, p in zip(values, pictures, strict=True)]
            )
        for model, figures in zip(models, results, strict=True):
            made = [model(picture, box=box)[hole, hole] for picture in pictures]
            ours = mean([psnr(x, picture[hole, hole]) for x, picture in zip(made, pictures, strict=True)])
            figures |= {f"{name} PSNR": ours, **known}
    return results


def diffused(pictures: list[Picture], hole: slice) -> dict[str, list[Picture]]:
    """The holes filled without learning."""
    import cv2

    mask = np.zeros(pictures[0].shape[:2], np.uint8)
    mask[hole, hole] = 255
    around = [np.where(mask[..., None] > 0, p[mask == 0].mean(axis=0).round().astype(np.uint8), p) for p in pictures]
    ways = {"Telea": cv2.INPAINT_TELEA, "Navier-Stokes": cv2.INPAINT_NS}
    fills = {name: [cv2.inpaint(p, mask, 3, way).astype(np.uint8) for p in pictures] for name, way in ways.items()}
    return {"mean colour": around, **fills}


def searched(models: Models, sets: Path) -> list[Figures]:
    return filled(models, sets, every=10, side=64)


MEASURES = {
    "inpaint": Measure(
        ("inpaint",),
        "PSNR (RGB) in a hole of a quarter of the picture, in its middle; 400 faces of 128 px, 50 "
        "photographs of 256 px",
        filled,
    ),
    "inpaint-semantic": Measure(
        ("inpaint-semantic",),
        "PSNR (RGB) in a hole of a quarter of the picture, in its middle; 40 faces of 64 px",
        searched,
    ),
}
