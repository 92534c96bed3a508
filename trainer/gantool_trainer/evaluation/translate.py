"""Pictures of one kind turned into another."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from gantool_trainer import metrics
from gantool_trainer.data import listing
from gantool_trainer.data.pictures import Picture, read_picture, scaled
from gantool_trainer.data.rain import rain
from gantool_trainer.evaluation import classifier, kid
from gantool_trainer.evaluation.measure import Figures, Measure, Models, mean, psnr, ssim
from gantool_trainer.evaluation.sets import kinds
from gantool_trainer.seeds import rng


def unpaired(models: Models, train: Sequence[Sequence[Path]], test: Sequence[Sequence[Path]]) -> list[Figures]:
    """Of test pictures of two kinds, each translated by its model: the share that a classifier takes for the other
    kind, the round trip beside the mean of the training pictures, and, where both show the same scene, the correlation
    of edges before and after."""
    known = classifier.trained(train)
    results = []
    for kind, paths in enumerate(test):
        forth, back = models[kind], models[1 - kind]
        taken, scenes, trips, plain = [], [], [], []
        colour = np.mean([scaled(read_picture(path), 64).mean(axis=(0, 1)) for path in train[kind]], axis=0)
        for path in paths:
            picture = read_picture(path)
            result = forth(picture)
            taken.append(known.label(result) == 1 - kind)
            scenes.append(metrics.same_scene(picture, result))
            trips.append(psnr(picture, back(result)))
            plain.append(psnr(picture, np.broadcast_to(colour, picture.shape)))
        figures = {
            "taken for the other kind": mean(taken),
            "classifier accuracy": mean([known.label(read_picture(path)) == kind for path in paths]),
            "round trip PSNR": mean(trips),
            "mean colour PSNR": mean(plain),
        }
        results.append(figures | ({"edges": mean(scenes)} if forth.card.geometry.keeps_scene else {}))
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


def clothes(models: Models, sets: Path) -> list[Figures]:
    """Photographs from the drawings of the test pictures, beside the drawings themselves."""
    shown = kinds(sets / "clothing", "train", "category", "photo")
    known = classifier.trained(list(shown.values()), side=64, steps=2500)
    test = kinds(sets / "clothing", "test", "category", "photo")
    truths = [(place, path) for place, label in enumerate(shown) for path in test[label]]
    photos = [read_picture(path) for _, path in truths]
    drawings = [read_picture(path.parents[1] / "edges" / f"{path.stem}.png") for _, path in truths]
    real = known.features(photos)

    def figures(results: list[Picture]) -> Figures:
        return {
            "PSNR": mean([psnr(*pair) for pair in zip(results, photos, strict=True)]),
            "SSIM": mean([ssim(*pair) for pair in zip(results, photos, strict=True)]),
            "KID": kid.of_pictures(results, photos),
            "Frechet": classifier.frechet(known.features(results), real),
            "kind seen": mean([known.label(x) == place for x, (place, _) in zip(results, truths, strict=True)]),
        }

    bounds = {f"drawing {key}": value for key, value in figures(drawings).items()}
    bounds["classifier accuracy"] = figures(photos)["kind seen"]
    return [figures([model(drawing) for drawing in drawings]) | bounds for model in models]


def derained(models: Models, sets: Path) -> list[Figures]:
    """Photographs with rain drawn over them, beside the rain left in: small ones, and larger than the network's."""
    folders = {"B100": sets / "sr-test" / "B100" / "HR-x4", "512 px": sets / "photos" / "by-sa"}
    results: list[Figures] = [{} for _ in models]
    for name, folder in folders.items():
        photos = [read_picture(path) for path in sorted(folder.iterdir())[:100]]
        wet = [rain(photo, rng(number)) for number, photo in enumerate(photos)]
        for model, figures in zip(models, results, strict=True):
            for key, shown in (("rain ", wet), ("", [model(picture) for picture in wet])):
                pairs = list(zip(shown, photos, strict=True))
                figures[f"{name} {key}PSNR"] = mean([psnr(*pair) for pair in pairs])
                figures[f"{name} {key}SSIM"] = mean([ssim(*pair) for pair in pairs])
    return results


def hair(models: Models, sets: Path) -> list[Figures]:
    """Every test face in every colour: what a classifier sees, edges, and back to the face's own colour."""
    (model,) = models
    shown, test = (kinds(sets / "anime_faces", part, "hair") for part in ("train", "test"))
    known = classifier.trained(list(shown.values()), side=64, steps=1500)
    taken, unchanged, own, scenes, trips = [], [], [], [], []
    for place, label in enumerate(shown):
        for picture in (read_picture(path) for path in test[label]):
            own.append(known.label(picture) == place)
            for wanted, other in enumerate(shown):
                if wanted == place:
                    continue
                result = model(picture, to=other)
                taken.append(known.label(result) == wanted)
                unchanged.append(known.label(picture) == wanted)
                scenes.append(metrics.same_scene(picture, result))
                trips.append(psnr(picture, model(result, to=label)))
    return [
        {
            "colour seen": mean(taken),
            "colour seen of the unchanged": mean(unchanged),
            "classifier accuracy": mean(own),
            "edges": mean(scenes),
            "round trip PSNR": mean(trips),
        }
    ]


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
        clothes,
    ),
    "pan-derain": Measure(
        ("pan-derain",),
        "B100 and 100 photographs of 512 px, none of them trained on, with rain drawn over them; PSNR in RGB, SSIM on "
        "Y; rain: the input as it is",
        derained,
    ),
    "stargan-hair": Measure(
        ("stargan-hair",),
        "476 test faces in each of the other colours, seen by a small classifier trained on the training faces; PSNR "
        f"in RGB, of there and back; {_EDGES}",
        hair,
    ),
}
