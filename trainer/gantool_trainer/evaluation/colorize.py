"""How near the colours made for gray photographs are to theirs, and how strong."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

import gantool
from gantool_trainer.data.pictures import Picture, read_picture
from gantool_trainer.evaluation.measure import Figures, Measure, each, mean
from gantool_trainer.evaluation.sets import photographs

Floats = npt.NDArray[np.float64]
_LAB = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")


def chroma(picture: Picture) -> Floats:
    """a and b of CIELAB, (H, W, 2), in steps of which 255 are their range."""
    lab = ImageCms.applyTransform(Image.fromarray(picture), _LAB)
    assert lab is not None
    return np.asarray(lab)[..., 1:].astype(np.int8).astype(float)


def colourfulness(picture: Picture) -> float:
    """Hasler and Suesstrunk's M3 (Human Vision and Electronic Imaging, 2003)."""
    r, g, b = (picture[..., c].astype(float) for c in range(3))
    differences = r - g, (r + g) / 2 - b
    spread, size = (np.hypot(*(f(d) for d in differences)) for f in (np.std, np.mean))
    return float(spread + 0.3 * size)


def coloured(model: gantool.Model, sets: Path) -> Figures:
    """PSNR of the chroma beside that of gray, over all pixels of a set; colourfulness over the real one."""
    shown = photographs(sets)
    shown["flowers"] = [read_picture(path) for path in sorted((sets / "flowers" / "test").iterdir())]
    shown["faces"] = [read_picture(path) for path in sorted((sets / "utkface" / "test").iterdir())[::4]]
    figures: Figures = {}
    for name, photos in shown.items():
        photos = [photo for photo in photos if np.ptp(photo.astype(int), axis=2).mean() > 2]  # some are gray themselves
        truth = [chroma(photo) for photo in photos]
        size = sum(ab.size for ab in truth)
        gray = sum(float((ab**2).sum()) for ab in truth) / size
        made = [model(np.asarray(Image.fromarray(photo).convert("L"))) for photo in photos]
        away = sum(float(((chroma(x) - ab) ** 2).sum()) for x, ab in zip(made, truth, strict=True)) / size
        figures[f"{name} ab PSNR"] = 10 * np.log10(255**2 / away)
        figures[f"{name} gray ab PSNR"] = 10 * np.log10(255**2 / gray)
        ours, real = (mean([colourfulness(x) for x in pictures]) for pictures in (made, photos))
        figures[f"{name} colourfulness"] = ours / real
    return figures


MEASURES = {
    "colorize": Measure(
        ("colorize",),
        "PSNR of a and b of CIELAB (peak 255, over all pixels of a set) beside gray; colourfulness (Hasler and "
        "Suesstrunk) over that of the real pictures; what is in colour of 50 of B100, 13 outdoors, 150 flowers, "
        "100 faces",
        each(coloured),
    ),
}
