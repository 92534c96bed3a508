"""Enlarged pictures beside their originals."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageFilter

import gantool
from gantool_trainer import metrics
from gantool_trainer.data.degrade import bicubic, enlarge, jpeg, to_uint8
from gantool_trainer.data.pictures import Picture, centre_crop, read_picture
from gantool_trainer.evaluation import kid
from gantool_trainer.evaluation.measure import Figures, Measure, each

Scores = npt.NDArray[np.float64]


def published_sets(model: gantool.Model, sets: Path) -> Iterator[tuple[str, Scores, Scores]]:
    """(name, bicubic's mean PSNR and SSIM, the model's) of each set that has this scale."""
    scale = model.card.scale
    for folder in sorted(p for p in sets.iterdir() if (p / f"LR-x{scale}").is_dir()):
        rows = []
        for low_path, high_path in _pairs(folder, scale):
            low, high = read_picture(low_path), read_picture(high_path)
            high = high[: low.shape[0] * scale, : low.shape[1] * scale]
            rows.append([metrics.super_resolution(x, high, scale) for x in (enlarge(low, scale), model(low))])
        plain, ours = np.mean(rows, axis=0)
        yield folder.name, plain, ours


def damaged_photographs(
    model: gantool.Model, paths: Sequence[Path], quality: float, sigma: float, out: Path | None = None
) -> Scores:
    """Shape (pictures, 2, 2): for each picture, bicubic's PSNR and SSIM and the model's."""
    scale, rows = model.card.scale, []
    for number, path in enumerate(paths):
        high = _whole_pixels(path, scale)
        low = _damaged(high, scale, number, quality, sigma)
        plain, ours = enlarge(low, scale), model(low)
        rows.append([metrics.super_resolution(x, high, scale) for x in (plain, ours)])
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.hstack([plain, ours, high])).save(out / f"{path.stem}.png")
    return np.array(rows)


def patch_kids(run: Callable[[Picture], Picture], paths: Sequence[Path], scale: int) -> tuple[float, float]:
    """Of clean and of damaged photographs, enlarged by ``run``."""
    originals = [_whole_pixels(path, scale) for path in paths]
    clean = [run(bicubic(high, scale)) for high in originals]
    damaged = [run(_damaged(high, scale, number, 75, 4.0, 0.8)) for number, high in enumerate(originals)]
    return kid.patch_kid(clean, originals), kid.patch_kid(damaged, originals)


def _whole_pixels(path: Path, scale: int) -> Picture:
    """A photograph whose sides are multiples of the scale."""
    high = centre_crop(read_picture(path), 512)
    return high[: high.shape[0] // scale * scale, : high.shape[1] // scale * scale]


def _damaged(high: Picture, scale: int, number: int, quality: float, sigma: float, blur: float = 0.0) -> Picture:
    """A photograph made small, with the noise of this number in 8-bit levels and the artefacts of a JPEG file."""
    if blur:
        high = np.asarray(Image.fromarray(high).filter(ImageFilter.GaussianBlur(blur)))
    small = bicubic(high, scale)
    noise = np.random.default_rng(number).normal(0, sigma, small.shape)
    return to_uint8(jpeg((small + noise).astype(np.float32), quality))


def _pairs(folder: Path, scale: int) -> Iterator[tuple[Path, Path]]:
    lows = {p.stem: p for p in (folder / f"LR-x{scale}").iterdir()}
    large = folder / f"HR-x{scale}"
    highs = {p.stem: p for p in (large if large.is_dir() else folder / "HR-x4").iterdir()}
    for stem in sorted(lows):
        yield lows[stem], highs[stem]


def measured(model: gantool.Model, sets: Path) -> Figures:
    """PSNR and SSIM on the published sets, and on damaged photographs beside bicubic; patch-KID to the originals."""
    figures: Figures = {}
    for name, _, ours in published_sets(model, sets / "sr-test"):
        figures |= {f"{name} PSNR": ours[0], f"{name} SSIM": ours[1]}
    photographs = sorted((sets / "sr-test" / "B100" / "HR-x4").iterdir())
    plain, ours = damaged_photographs(model, photographs, 60, 5.0).mean(axis=0)
    clean, damaged = patch_kids(model, photographs, model.card.scale)
    figures |= {"jpeg60 PSNR": ours[0], "jpeg60 bicubic PSNR": plain[0]}
    return figures | {"patch-KID": clean, "patch-KID damaged": damaged}


MEASURES = {
    name: Measure(
        (name,),
        "PSNR/SSIM on Y (BT.601, 16..235), scale px cut at each border, LR as published; jpeg60: B100 originals shrunk "
        "by bicubic, Gaussian noise of sigma 5, JPEG 60; patch-KID: EfficientNet-Lite0 features, B100 shrunk, "
        "damaged: blurred (0.8), shrunk, noise of 4 levels, JPEG 75",
        each(measured),
    )
    for name in ("upscale-x4", "upscale-x2", "upscale-x4-fidelity", "upscale-x2-fidelity")
}
