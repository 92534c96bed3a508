"""Quality and speed of what repairs and edits: restore, colorize, inpaint, stylize, pose.

    python benchmarks/edit.py quality                   # every shipped model; needs the sets under data/
    python benchmarks/edit.py quality --recipe restore -m mine.onnx
    python benchmarks/edit.py paint photo.jpg painting.jpg   # 512 px, 200 steps: seconds, and how the loss falls
    python benchmarks/edit.py search face.jpg           # 1,500 steps of the semantic search: seconds

quality measures on pictures that were not trained on; MEASURES says what of which model. Filling holes is compared with
OpenCV's, of the extra `bench`.
"""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
import numpy.typing as npt
import typer
from measure import Figures, Measure, Models, mean, tell
from PIL import Image, ImageCms

import gantool
from gantool import poses
from gantool.methods.style_optimization import COARSE
from gantool_trainer import metrics
from gantool_trainer.data.degrade import jpeg, to_uint8
from gantool_trainer.data.pictures import Picture, centre_crop, read_picture, scaled
from gantool_trainer.data.posed import PosedConfig
from gantool_trainer.data.posed import index as index_people
from gantool_trainer.seeds import rng

app = typer.Typer(help=__doc__, rich_markup_mode=None)
Floats = npt.NDArray[np.float64]
_SIGMA, _QUALITY = 15.0, 30.0
_WINDOW = 10
_PAIRS = 960
_PAINTED = 5


def psnr(ours: npt.NDArray[np.uint8], theirs: npt.NDArray[np.uint8]) -> float:
    return metrics.psnr(ours.astype(float), theirs.astype(float))


def photographs(sets: Path) -> dict[str, list[Picture]]:
    """Held-out photographs: half of B100 as it is, and outdoor ones at a short side of 512 pixels."""
    b100 = [read_picture(path) for path in sorted((sets / "sr-test" / "B100" / "HR-x4").iterdir())[::2]]
    outdoors = sorted((sets / "day-night" / "testA").iterdir())[::3]
    return {"B100": b100, "outdoors": [scaled(read_picture(path), 512) for path in outdoors]}


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


def coloured(models: Models, sets: Path) -> list[Figures]:
    """PSNR of the chroma beside that of gray, over all pixels of a set; colourfulness over the real one."""
    shown = photographs(sets)
    shown["flowers"] = [read_picture(path) for path in sorted((sets / "flowers" / "test").iterdir())]
    shown["faces"] = [read_picture(path) for path in sorted((sets / "utkface" / "test").iterdir())[::4]]
    results: list[Figures] = [{} for _ in models]
    for name, photos in shown.items():
        photos = [photo for photo in photos if np.ptp(photo.astype(int), axis=2).mean() > 2]  # some are gray themselves
        truth = [chroma(photo) for photo in photos]
        size = sum(ab.size for ab in truth)
        gray = sum(float((ab**2).sum()) for ab in truth) / size
        for model, figures in zip(models, results, strict=True):
            made = [model(np.asarray(Image.fromarray(photo).convert("L"))) for photo in photos]
            away = sum(float(((chroma(x) - ab) ** 2).sum()) for x, ab in zip(made, truth, strict=True)) / size
            figures |= {f"{name} ab PSNR": 10 * np.log10(255**2 / away)}
            figures |= {f"{name} gray ab PSNR": 10 * np.log10(255**2 / gray)}
            real = mean([colourfulness(photo) for photo in photos])
            figures |= {f"{name} colourfulness": mean([colourfulness(x) for x in made]) / real}
    return results


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


def posed(models: Models, sets: Path) -> list[Figures]:
    """SSIM (Y) and PSNR (RGB) of the held-out people in each other pose, beside the picture that was given."""
    people = index_people(sets / "lpc_pose", PosedConfig(holdout=1000), 0).holdout
    pairs = [(a, b) for person in people for a in person for b in person if a is not b]
    pairs = [pairs[i] for i in rng(0).permutation(len(pairs))[:_PAIRS]]
    results: list[Figures] = []
    read = {item.path: read_picture(item.path) for person in people for item in person}
    for model in models:
        joints = model.card.taking("pose")[0].labels
        scores = []
        for a, b in pairs:
            source, target = read[a.path], read[b.path]
            size = float(target.shape[1]), float(target.shape[0])
            made = model(source, pose=poses.Pose(size, dict(zip(joints, b.points, strict=True))))
            truth = metrics.luma(target)
            scores.append(
                [
                    metrics.ssim(metrics.luma(made), truth),
                    metrics.ssim(metrics.luma(source), truth),
                    psnr(made, target),
                    psnr(source, target) if not np.array_equal(source, target) else 60.0,
                ]
            )
        names = ("SSIM", "copied SSIM", "PSNR", "copied PSNR")
        results.append(dict(zip(names, np.mean(scores, axis=0).tolist(), strict=True)))
    return results


def painted(models: Models, sets: Path) -> list[Figures]:
    """Whether a photograph's edges are still there, and, of what is optimised, the share of the loss that is left."""
    photos, style = photographs(sets)["B100"][:_PAINTED], Path("samples/mural.jpg")
    results = []
    for model in models:
        if model.card.taking("style"):
            runs = [optimised(model, photo, style, 256, 100) for photo in photos]
            left = {"loss left": mean([part[-1] / part[0] for _, losses in runs for part in stages(losses)])}
            made = [picture for picture, _ in runs]
        else:
            made, left = [model(photo) for photo in photos], {}
        results.append({"edges": mean([metrics.same_scene(*pair) for pair in zip(photos, made, strict=True)]), **left})
    return results


def optimised(model: gantool.Model, photo: Picture, style: Path, side: int, steps: int) -> tuple[Picture, list[float]]:
    """What is painted, and the loss before each step."""
    losses: list[float] = []
    made = model(photo, style=style, steps=steps, working_size=side, preview=lambda _, loss: losses.append(loss))
    return made, losses


def stages(losses: list[float]) -> tuple[list[float], list[float]]:
    """The losses at half the size, and at all of it."""
    coarse = round(COARSE * len(losses))
    return losses[:coarse], losses[coarse:]


MEASURES = {
    "restore": Measure(
        ("restore",),
        f"PSNR (RGB) gained on 50 photographs of B100 and on 13 outdoor ones of 512 px: JPEG {_QUALITY:.0f}, noise of "
        f"sigma {_SIGMA:.0f}, both in this order and in the other; clean: PSNR to itself",
        restored,
    ),
    "colorize": Measure(
        ("colorize",),
        "PSNR of a and b of CIELAB (peak 255, over all pixels of a set) beside gray; colourfulness (Hasler and "
        "Suesstrunk) over that of the real pictures; what is in colour of 50 of B100, 13 outdoors, 150 flowers, "
        "100 faces",
        coloured,
    ),
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
    "style": Measure(
        ("style-mural", "style-any"),
        "correlation of edges with the photograph's, 5 of B100, in the style of samples/mural.jpg; loss after 60 "
        "steps at half size and 40 at 256 px over that before",
        painted,
    ),
    "pose-people": Measure(
        ("pose-people",),
        "SSIM (Y) and PSNR (RGB) beside the true picture, and of the picture given; 960 random pairs of 20 people not "
        "trained on",
        posed,
    ),
}


@app.command()
def quality(
    recipe: Annotated[str, typer.Option(help="One of MEASURES.")] = "",
    model: Annotated[list[str] | None, typer.Option("-m", "--model", help="Names or files of models.")] = None,
    sets: Annotated[Path, typer.Option(help="Folder of the sets.")] = Path("data"),
) -> None:
    """Print the figures of models."""
    tell(MEASURES, recipe, model or [], sets)


@app.command()
def paint(photo: Path, style: Path, model: str = "style-any", side: int = 512, steps: int = 200) -> None:
    """Seconds, and whether the mean loss of ten steps falls from each ten to the next, at both sizes."""
    picture, loaded = centre_crop(scaled(read_picture(photo), side), side), gantool.load(model)
    start = time.perf_counter()
    _, losses = optimised(loaded, picture, style, side, steps)
    print(f"{steps} steps at {side} px: {time.perf_counter() - start:.1f} s on {loaded.device}")
    for name, part in zip(("half size", "full size"), stages(losses), strict=True):
        means = np.convolve(part, np.ones(_WINDOW) / _WINDOW, mode="valid")
        rises = int((np.diff(means) > 0).sum())
        print(f"{name}: loss {part[0]:.3f} to {part[-1]:.3f}; its mean over {_WINDOW} steps rises {rises} times")


@app.command()
def search(face: Path, model: str = "inpaint-semantic", steps: int = 1500) -> None:
    """Seconds for so many steps of the search for a latent."""
    loaded, picture = gantool.load(model), read_picture(face)
    height, width = picture.shape[:2]
    box = (width // 4, height // 4, width // 2, height // 2)
    start = time.perf_counter()
    loaded(picture, box=box, steps=steps)
    print(f"{steps} steps: {time.perf_counter() - start:.1f} s on {loaded.device}")


if __name__ == "__main__":
    app()
