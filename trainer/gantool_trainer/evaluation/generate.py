"""Pictures from noise, classes, tags and texts, measured by networks trained on the spot and on ImageNet."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from PIL import Image

import gantool
from gantool.arrays import SIGNED, to_range
from gantool.text import read, words
from gantool_trainer.data import captioned, labelled, mnist
from gantool_trainer.data.batches import DataConfig
from gantool_trainer.data.captioned import Captioned, CaptionedConfig
from gantool_trainer.data.pictures import Picture, read_picture, to_tensor
from gantool_trainer.data.squares import SquareConfig, square
from gantool_trainer.evaluation import classifier, kid
from gantool_trainer.evaluation.classifier import Classifier
from gantool_trainer.evaluation.measure import Figures, Measure, each, mean
from gantool_trainer.evaluation.sets import kinds
from gantool_trainer.families import stackgan
from gantool_trainer.seeds import rng

_MANY, _SIDE, _WORDS = 10_000, 64, 36


def digits(model: gantool.Model, sets: Path) -> Figures:
    """Frechet distances to the test digits, beside the training digits', and how the classes are covered."""
    known, train, test = _mnist(sets)
    made = known.features(pixels(model.generate(_MANY, seed=1)))
    counts = np.bincount(known.labels(made[:1000]), minlength=10)
    return {
        "Frechet": classifier.frechet(made, test),
        "Frechet of real": classifier.frechet(train[: len(test)], test),
        "classes of 10": float((counts > 0).sum()),
        "least share": counts.min() / 1000,
        "largest share": counts.max() / 1000,
        **_memorised(made[:500], train, test[:500]),
    }


def asked_for(model: gantool.Model, sets: Path) -> Figures:
    """Digits of each class: how many are read as what was asked for; beside the classifier's own accuracy."""
    known, train, test = _mnist(sets)
    truth = mnist.labels(sets / "mnist" / "test" / "t10k-images-idx3-ubyte.gz")
    made = [known.features(pixels(model.generate(500, seed=1, label=str(digit)))) for digit in range(10)]
    right = [float((known.labels(own) == digit).mean()) for digit, own in enumerate(made)]
    return {
        "class seen": mean(right),
        "class seen, worst": min(right),
        "classifier accuracy": float((known.labels(test) == truth).mean()),
        "Frechet": classifier.frechet(np.concatenate(made), test),
        "Frechet of real": classifier.frechet(train[:5000], test),
    }


def faces(model: gantool.Model, sets: Path) -> Figures:
    """Anime faces: Frechet distance to the test faces, and, where the model takes tags, how many are seen."""
    shown, held = (kinds(sets / "anime_faces", part, "hair") for part in ("train", "test"))
    known = classifier.trained(list(shown.values()), side=64, steps=1500)
    train = known.features(read_picture(path) for own in shown.values() for path in own)
    real = [read_picture(path) for own in held.values() for path in own]
    test, truth = known.features(real), np.repeat(range(len(held)), [len(own) for own in held.values()])
    pictures = pixels(model.generate(len(train), seed=1))
    made = known.features(pictures)
    figures = {
        "KID": kid.of_pictures(pictures[: len(real)], real),
        "Frechet": classifier.frechet(made, test),
        "Frechet of real": classifier.frechet(train, test),
        "classifier accuracy": float((known.labels(test) == truth).mean()),
        **_memorised(made[:476], train, test),
    }
    if model.card.taking("label"):
        asked = [known.features(pixels(model.generate(40, label=f"{hair} hair"))) for hair in shown]
        figures["hair seen"] = mean([float((known.labels(own) == place).mean()) for place, own in enumerate(asked)])
    return figures


def people(model: gantool.Model, sets: Path) -> Figures:
    """People of the test texts: how often the text is the first of ten, by a network that was trained to match the real
    pairs; beside the real test pictures, and pictures of other people's texts."""
    split = captioned.index(sets / "lpc_pose", CaptionedConfig(columns=("caption",), holdout=10_000), 0)
    texts, real = [item.texts[0] for item in split.holdout], [read_picture(item.path) for item in split.holdout]
    rank = _matcher(split.train)
    poses = [text[text.index("facing") :] for text in texts]

    def in_the_same_pose(pictures: Sequence[Picture]) -> float:
        own = [[i for i, pose in enumerate(poses) if pose == chosen] for chosen in dict.fromkeys(poses)]
        return sum(len(of) * rank([pictures[i] for i in of], [texts[i] for i in of]) for of in own) / len(texts)

    made = pixels(model.generate(1, seed=number, text=text)[0] for number, text in enumerate(texts))
    half = len(made) // 2
    return {
        "text first of 10": rank(made, texts),
        "real, text first of 10": rank(real, texts),
        "text first of 10 in the same pose": in_the_same_pose(made),
        "real, text first of 10 in the same pose": in_the_same_pose(real),
        "of other texts": rank([*made[half:], *made[:half]], texts),
    }


def _matcher(items: Sequence[Captioned]) -> Callable[[Sequence[Picture], Sequence[str]], float]:
    """A fresh pair of encoders trained on these, as a function that ranks the texts of pictures."""
    torch.manual_seed(0)
    vocabulary = ["", *sorted({word for item in items for text in item.texts for word in words(text)})]
    texts = stackgan.TextEncoder(len(vocabulary), 128)
    pictures = stackgan.PictureEncoder(24, 128, (3, _SIDE, _SIDE))
    config = SquareConfig(side=_SIDE)

    def numbered(captions: Sequence[str]) -> torch.Tensor:
        return torch.from_numpy(np.stack([read(vocabulary, text, _WORDS).tokens for text in captions]))

    seen = torch.stack([to_tensor(square(read_picture(item.path), config)) for item in items])
    numbers = numbered([item.texts[0] for item in items])
    steps, optimiser = 1500, torch.optim.Adam([*texts.parameters(), *pictures.parameters()], lr=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for step in range(steps):
        chosen = torch.from_numpy(rng(1, step).choice(len(items), 48, replace=False))
        own = numbers[chosen]
        loss = stackgan.matching(texts(own), pictures(to_range(seen[chosen], SIGNED)), own)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    texts.eval(), pictures.eval()

    @torch.inference_mode()
    def first(shown: Sequence[Picture], captions: Sequence[str]) -> float:
        x = torch.stack([to_tensor(square(picture, config)) for picture in shown])
        likeness = F.normalize(pictures(to_range(x, SIGNED)), dim=1) @ F.normalize(texts(numbered(captions)), dim=1).T
        hits = []
        for i, caption in enumerate(captions):
            others = [j for j, other in enumerate(captions) if other != caption]
            chosen = rng(2, i).choice(others, 9, replace=False)
            hits.append(float(likeness[i, i] > likeness[i, torch.from_numpy(chosen)].max()))
        return mean(hits)

    return first


@lru_cache(maxsize=1)
def _mnist(sets: Path) -> tuple[Classifier, npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """A classifier of the training digits, and the features of all of them, in random order, and of the test digits."""
    _, split = labelled.index(sets / "mnist" / "train", "", tuple("0123456789"), DataConfig(holdout=1), 0)
    by_label = [[item.path for item in split.train if item.label == digit] for digit in range(10)]
    known = classifier.trained(by_label, side=28, steps=8000, batch=64, crop=26, mirror=False)
    test = mnist.pictures(sets / "mnist" / "test" / "t10k-images-idx3-ubyte.gz")
    mixed = [split.train[i].path for i in rng(0).permutation(len(split.train))]
    train_features, test_features = (known.features(map(read_picture, own)) for own in (mixed, test))
    return known, train_features, test_features


def _memorised(made: npt.NDArray[np.float64], train: npt.NDArray[np.float64], test: npt.NDArray[np.float64]) -> Figures:
    """How far what is made is from the nearest training picture, over how far test pictures are: 0 for copies."""
    ours, fair = (np.median(classifier.nearest(own, train)) for own in (made, test))
    return {"nearest training picture": float(ours / fair)}


def pixels(pictures: Iterable[Image.Image]) -> list[Picture]:
    return [np.asarray(picture.convert("RGB")) for picture in pictures]


_FACES = (
    "KID: 476 pictures of seed 1 to the 476 test faces in EfficientNet-Lite0 features; Frechet: 4,760 pictures to "
    "them in the features of a small classifier of hair colours trained on the spot; of real: the training faces; "
    "hair seen: 40 pictures of each colour; nearest training picture: median distance to it over that of real test "
    "faces"
)
_MNIST = (
    "10,000 pictures of seed 1 beside the 10,000 test digits, in the features of a small classifier of digits trained "
    "on the spot; of real: as many training digits; classes and shares over the first 1,000; nearest training picture: "
    "median distance to it over that of real test digits"
)
_PEOPLE = (
    "a picture of each of the 320 test texts, of 20 people whom the model has not seen; first of 10: the text is "
    "nearer to the picture than nine others, by two encoders trained on the spot to match the real pairs, of the kind "
    "that the model learned from; in the same pose: the nine are of other people in that pose; of other texts: with "
    "the pictures of other people"
)
MEASURES: Mapping[str, Measure] = {
    **{name: Measure((name,), _MNIST, each(digits)) for name in ("gan-mnist", "dcgan-mnist", "infogan-mnist")},
    "cgan-mnist": Measure(
        ("cgan-mnist",),
        "500 pictures of each class, read by a small classifier of digits trained on the spot, whose accuracy is on "
        "the test digits; Frechet distances to these in its features, of real: of as many training digits",
        each(asked_for),
    ),
    **{name: Measure((name,), _FACES, each(faces)) for name in ("dcgan-faces", "anime-faces")},
    "stackgan-people": Measure(("stackgan-people",), _PEOPLE, each(people)),
}
