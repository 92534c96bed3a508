"""What is in a hole, beside what was there, and beside what is filled in without learning."""

from functools import partial
from pathlib import Path

import numpy as np

import gantool
from gantool_trainer.data.pictures import Picture, centre_crop, read_picture, scaled
from gantool_trainer.evaluation.measure import Figures, Measure, each
from gantool_trainer.evaluation.sets import photographs
from gantool_trainer.metrics import mean_of, psnr


def filled(model: gantool.Model, sets: Path, every: int = 1, side: int = 128) -> Figures:
    """PSNR in the hole of a quarter of the picture, in its middle, beside the mean colour around it and OpenCV's two
    fills: of held-out faces and of the middle of B100's photographs."""
    faces = [read_picture(path) for path in sorted((sets / "utkface" / "test").iterdir())[::every]]
    shown = {"faces": [scaled(face, side) for face in faces]}
    if not model.card.taking("latent"):
        shown["B100"] = [centre_crop(photo, 256) for photo in photographs(sets)["B100"]]
    figures: Figures = {}
    for name, pictures in shown.items():
        length = pictures[0].shape[0]
        hole = slice(length // 4, length - length // 4)
        box = (length // 4, length // 4, length // 2, length // 2)
        made = {"PSNR": [model(picture, box=box) for picture in pictures], **diffused(pictures, hole)}
        truth = [picture[hole, hole] for picture in pictures]
        for way, results in made.items():
            figures[f"{name} {way}"] = mean_of(psnr, (result[hole, hole] for result in results), truth)
    return figures


def diffused(pictures: list[Picture], hole: slice) -> dict[str, list[Picture]]:
    """The holes filled without learning."""
    import cv2

    mask = np.zeros(pictures[0].shape[:2], np.uint8)
    mask[hole, hole] = 255
    around = [np.where(mask[..., None] > 0, p[mask == 0].mean(axis=0).round().astype(np.uint8), p) for p in pictures]
    ways = {"Telea": cv2.INPAINT_TELEA, "Navier-Stokes": cv2.INPAINT_NS}
    fills = {name: [cv2.inpaint(p, mask, 3, way).astype(np.uint8) for p in pictures] for name, way in ways.items()}
    return {"mean colour": around, **fills}


MEASURES = {
    "inpaint": Measure(
        ("inpaint",),
        "PSNR (RGB) in a hole of a quarter of the picture, in its middle; 400 faces of 128 px, 50 "
        "photographs of 256 px",
        each(filled),
    ),
    "inpaint-semantic": Measure(
        ("inpaint-semantic",),
        "PSNR (RGB) in a hole of a quarter of the picture, in its middle; 40 faces of 64 px",
        each(partial(filled, every=10, side=64)),
    ),
}
