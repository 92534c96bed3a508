"""Pictures of one kind turned into another."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

import gantool
from gantool_trainer.data import listing
from gantool_trainer.data.pictures import Picture, read_picture, scaled
from gantool_trainer.data.rain import rain
from gantool_trainer.evaluation import classifier, kid
from gantool_trainer.evaluation.measure import Figures, Measure, Models, each, mean
from gantool_trainer.evaluation.sets import kinds
from gantool_trainer.metrics import luma_ssim, mean_of, psnr, same_scene
from gantool_trainer.seeds import rng


def unpaired(models: Models, train: Sequence[Sequence[Path]], test: Sequence[Sequence[Path]]) -> list[Figures]:
    """Of test pictures of two kinds, each translated by its model: the share that a classifier takes for the other
    kind, the round trip beside the mean of the training pictures, and, where both show the same scene, the correlation
    of edges before and after."""
    known = classifier.trained(train)
    results = []
    for kind, paths in enumerate(test):
        forth, back = models[kind], models[1 - kind]
        colour = np.mean([scaled(read_picture(path), 64).mean(axis=(0, 1)) for path in train[kind]], axis=0)
        pictures = [read_picture(path) for path in paths]
        made = [forth(picture) for picture in pictures]
        figures = {
            "taken for the other kind": mean([known.label(result) == 1 - kind for result in made]),
            "classifier accuracy": mean([known.label(picture) == kind for picture in pictures]),
            "round trip PSNR": mean_of(psnr, pictures, map(back, made)),
            "mean colour PSNR": mean([psnr(picture, np.broadcast_to(colour, picture.shape)) for picture in pictures]),
        }
        if forth.card.geometry.keeps_scene:
            figures["edges"] = mean_of(same_scene, pictures, made)
        results.append(figures)
    return results


def day_night(models: Models, sets: Path) -> list[Figures]:
    train, test = (
        [listing.required(sets / "day-night" / f"{part}{name}") for name in "AB"] for part in ("train", "test")
    )
    return unpaired(models, train, test)


def warm_cool(models: Models, sets: Path) -> list[Figures]:
    shown = (kinds(sets / "anime_faces", part, "hair") for part in ("train", "test"))
    train, test = ([[path for hue in hues for path in of[hue]] for hues in (WARM, COOL)] for of in shown)
    return unpaired(models, train, test)


def clothes(model: gantool.Model, sets: Path) -> Figures:
    """Photographs from the drawings of the test pictures, beside the drawings themselves."""
    shown, test = (kinds(sets / "clothing", part, "category", "photo") for part in ("train", "test"))
    known = classifier.trained(list(shown.values()), side=64, steps=2500)
    truths = [(place, path) for place, label in enumerate(shown) for path in test[label]]
    photos = [read_picture(path) for _, path in truths]
    drawings = [read_picture(path.parents[1] / "edges" / f"{path.stem}.png") for _, path in truths]
    real = known.features(photos)

    def figures(results: list[Picture]) -> Figures:
        return {
            "PSNR": mean_of(psnr, results, photos),
            "SSIM": mean_of(luma_ssim, results, photos),
            "KID": kid.of_pictures(results, photos),
            "Frechet": classifier.frechet(known.features(results), real),
            "kind seen": seen(results),
        }

    def seen(results: list[Picture]) -> float:
        return mean([known.label(x) == place for x, (place, _) in zip(results, truths, strict=True)])

    bounds = {f"drawing {key}": value for key, value in figures(drawings).items()}
    made = figures([model(drawing) for drawing in drawings])
    return {**made, **bounds, "classifier accuracy": seen(photos)}


def derained(model: gantool.Model, sets: Path) -> Figures:
    """Photographs with rain drawn over them, beside the rain left in: small ones, and larger than the network's."""
    folders = {"B100": sets / "sr-test" / "B100" / "HR-x4", "512 px": sets / "photos" / "by-sa"}
    figures: Figures = {}
    for name, folder in folders.items():
        photos = [read_picture(path) for path in sorted(folder.iterdir())[:100]]
        wet = [rain(photo, rng(number)) for number, photo in enumerate(photos)]
        for key, shown in (("rain ", wet), ("", [model(picture) for picture in wet])):
            figures[f"{name} {key}PSNR"] = mean_of(psnr, shown, photos)
            figures[f"{name} {key}SSIM"] = mean_of(luma_ssim, shown, photos)
    return figures


def hair(model: gantool.Model, sets: Path) -> Figures:
    """Every test face in every colour: what a classifier sees, edges, and back to the face's own colour."""
    shown, test = (kinds(sets / "anime_faces", part, "hair") for part in ("train", "test"))
    known = classifier.trained(list(shown.values()), side=64, steps=1500)
    place = {label: number for number, label in enumerate(shown)}
    faces = [(label, read_picture(path)) for label in shown for path in test[label]]
    made = [(own, face, other, model(face, to=other)) for own, face in faces for other in shown if other != own]
    return {
        "colour seen": mean([known.label(result) == place[other] for _, _, other, result in made]),
        "colour seen of the unchanged": mean([known.label(face) == place[other] for _, face, other, _ in made]),
        "classifier accuracy": mean([known.label(face) == place[own] for own, face in faces]),
        "edges": mean([same_scene(face, result) for _, face, _, result in made]),
        "round trip PSNR": mean([psnr(face, model(result, to=own)) for own, face, _, result in made]),
    }


WARM, COOL = ("blonde", "orange", "brown"), ("blue", "aqua", "purple")
_UNPAIRED = (
    "test pictures at full size; the classifier is small and trained on the training pictures alone, its accuracy is "
    "on the real test pictures; PSNR in RGB, of there and back, and of the training pictures' mean colour"
)
_EDGES = "edges: correlation of gradient magnitudes at a quarter of the size"
MEASURES: Mapping[str, Measure] = {
    "cyclegan-day-night": Measure(("cyclegan-day2night", "cyclegan-night2day"), f"{_UNPAIRED}; {_EDGES}", day_night),
    "discogan-hair": Measure(("discogan-warm2cool", "discogan-cool2warm"), _UNPAIRED, warm_cool),
    "pix2pix-clothes": Measure(
        ("pix2pix-clothes",),
        "323 test pairs, PSNR in RGB, SSIM on Y; KID to the true photographs in EfficientNet-Lite0 features; kind "
        "seen and Frechet distance to the true photographs by a small classifier of the 10 kinds, whose accuracy is "
        "on the real ones; drawing: the input taken as the result",
        each(clothes),
    ),
    "pan-derain": Measure(
        ("pan-derain",),
        "B100 and 100 photographs of 512 px, none of them trained on, with rain drawn over them; PSNR in RGB, SSIM on "
        "Y; rain: the input as it is",
        each(derained),
    ),
    "stargan-hair": Measure(
        ("stargan-hair",),
        "476 test faces in each of the other colours, seen by a small classifier trained on the training faces; PSNR "
        f"in RGB, of there and back; {_EDGES}",
        each(hair),
    ),
}
