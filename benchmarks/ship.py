"""Make the models that ship: export a run, measure it, write the figures into its card and the file into the package.

    python benchmarks/ship.py upscale-x4-fidelity runs/x4-fidelity
    python benchmarks/ship.py upscale-x4 runs/x4 --interpolate runs/x4/step-0004000.safetensors --share 0.3
    python benchmarks/ship.py cyclegan-day-night runs/day-night        # a file for each direction

The recipe of that name describes them, SHIPPED says what of them is published. Needs the test sets under data/.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import edit
import generate
import onnx
import translate
import typer
from measure import Figures, Measure
from upscale import damaged_photographs, patch_kids, published_sets

import gantool
from gantool import library
from gantool.card import KEY
from gantool_export import export
from gantool_trainer import recipe as recipes

MEASURES = {**translate.MEASURES, **generate.MEASURES, **edit.MEASURES}
_MODELS = Path(__file__).parent.parent / "runtime" / "gantool" / "models"


@dataclass(frozen=True)
class Shipped:
    """What is said of the models of a recipe, beside what is measured."""

    training_data: str
    licence: str
    measure: Measure
    notes: str = ""
    descriptions: tuple[str, ...] = ()
    """For each of the measure's files; by default the recipe's."""
    suffixes: tuple[str, ...] = ()
    """Which of the generators are published, by what export adds to the file's name; by default all."""


def upscaled(models: Sequence[gantool.Model], sets: Path) -> list[Figures]:
    """PSNR and SSIM on the published sets, and on damaged photographs beside bicubic; patch-KID to the originals."""
    results = []
    for model in models:
        figures: Figures = {}
        for name, _, ours in published_sets(model, sets / "sr-test"):
            figures |= {f"{name} PSNR": ours[0], f"{name} SSIM": ours[1]}
        photographs = sorted((sets / "sr-test" / "B100" / "HR-x4").iterdir())
        plain, ours = damaged_photographs(model, photographs, 60, 5.0).mean(axis=0)
        figures |= {"jpeg60 PSNR": ours[0], "jpeg60 bicubic PSNR": plain[0]}
        clean, damaged = patch_kids(model, photographs, model.card.scale)
        results.append(figures | {"patch-KID": clean, "patch-KID damaged": damaged})
    return results


def upscaling(name: str) -> Shipped:
    protocol = (
        "PSNR/SSIM on Y (BT.601, 16..235), scale px cut at each border, LR as published; jpeg60: B100 originals shrunk "
        "by bicubic, Gaussian noise of sigma 5, JPEG 60; patch-KID: EfficientNet-Lite0 features, B100 shrunk, "
        "damaged: blurred (0.8), shrunk, noise of 4 levels, JPEG 75"
    )
    return Shipped(
        "366 photographs: CC0, public domain, Unsplash, Pexels and Pixabay licences, CC BY, CC BY-SA 4.0",
        "CC BY-SA 4.0",
        Measure((name,), protocol, upscaled),
    )


SHIPPED = {
    **{name: upscaling(name) for name in ("upscale-x4", "upscale-x2", "upscale-x4-fidelity", "upscale-x2-fidelity")},
    "cyclegan-day-night": Shipped(
        training_data="day-night: outdoor photographs by day and by night, of Pexels (their licence) and of webcams "
        "(research)",
        licence="research only",
        measure=MEASURES["cyclegan-day-night"],
        notes="trained in two runs: 1,366 steps with one pair of discriminators of 4 strides and a cycle weight of 5, "
        "later 1.5; from its weights 3,000 of the recipe's steps, the first 1,560 with a cycle weight of 1.5 (the last "
        "1,500 brought halos into skies and are left out); makes dusk or night of the light that is there and lights "
        "no windows; may leave a faint halo along roofs against the sky",
        descriptions=("Outdoor photographs from day to night", "Outdoor photographs from night to day"),
    ),
    "pix2pix-clothes": Shipped(
        training_data="clothing-dataset-small (CC0), 3,141 photographs and edge drawings made of them",
        licence="CC0 1.0",
        measure=MEASURES["pix2pix-clothes"],
        notes="black lines on white, of one piece of clothing that fills a square; made at 128 pixels; colours are "
        "guessed, and stains of other colours show in some; the first 3,000 steps at 64 pixels",
    ),
    "pan-derain": Shipped(
        training_data="151 photographs: CC0, public domain, Unsplash, Pexels and Pixabay licences, CC BY; the rain is "
        "drawn",
        licence="CC BY 4.0",
        measure=MEASURES["pan-derain"],
        notes="streaks of rain that has been drawn; drops on the lens and fog stay",
    ),
    "discogan-hair": Shipped(
        training_data="2,360 anime faces with blonde, orange or brown, and with blue, aqua or purple hair (no licence "
        "stated: research demonstration)",
        licence="research only",
        descriptions=("Small, soft faces from warm hair to cool", "Small, soft faces from cool hair to warm"),
        measure=MEASURES["discogan-hair"],
        notes="drawn faces that fill a square; made at 64 pixels; soft, and much alike; trained with changing "
        "rates: the discriminators' at last a tenth of the recipe's",
    ),
    **{
        name: Shipped(
            training_data="MNIST, 60,000 handwritten digits (CC BY-SA 3.0)",
            licence="CC BY-SA 3.0",
            measure=MEASURES[name],
            notes="28 pixels, gray" + notes,
        )
        for name, notes in {
            "gan-mnist": "",
            "dcgan-mnist": "",
            "cgan-mnist": "",
            "infogan-mnist": "; the categories are in an order of their own, which is not the digits'; the seed was "
            "chosen among three by how well they tell test digits apart",
        }.items()
    },
    **{
        name: Shipped(
            training_data="4,760 anime faces (no licence stated: research demonstration)",
            licence="research only",
            measure=MEASURES[name],
            notes="64 pixels",
        )
        for name in ("dcgan-faces", "anime-faces")
    },
    "stackgan-people": Shipped(
        training_data="Liberated Pixel Cup, 220 people in 16 poses each, composed of layers by the artists in "
        "AUTHORS-lpc.txt (CC BY-SA 3.0 or GPL 3.0)",
        licence="CC BY-SA 3.0",
        measure=MEASURES["stackgan-people"],
        notes="64 pixels on white; texts like: a woman with light skin and redhead long hair wearing a teal shirt, "
        "maroon pants and brown shoes, facing left, walking; it knows the words of its texts alone: hair is redhead, "
        "brunette, raven, black, blonde, gold, green, blue, purple, pink, gray or white, shirts and tunics are brown, "
        "maroon, teal or white; few words make people of no certain colours; 8,000 steps of the first stage, "
        "then 8,500 of the second, with a weight of 0.1 for what is found and a rate that falls over the last 6,000",
    ),
    "restore": Shipped(
        training_data="366 photographs: CC0, public domain, Unsplash, Pexels and Pixabay licences, CC BY, CC BY-SA 4.0",
        licence="CC BY-SA 4.0",
        measure=MEASURES["restore"],
        notes="in stages, of more and more JPEG and less noise: 10,300 steps with 6 blocks, then 3,300 with 10, the "
        "last 900 on squared error",
    ),
    "colorize": Shipped(
        training_data="1,984 pictures: 340 photographs (CC0 to CC BY-SA 4.0) and 300 outdoor ones by day (Pexels and "
        "webcams), shown three times as often, 117 streets (CamVid, research), 667 flowers (unclear), 560 faces "
        "(UTKFace, research only)",
        licence="research only",
        measure=MEASURES["colorize"],
        notes="colours are paler than real ones; 12,000 steps at 64 pixels and 8,500 at 128 without a discriminator, "
        "then 700 with it",
    ),
    "inpaint": Shipped(
        training_data="374 photographs (CC0 to CC BY-SA 4.0) and 3,360 faces (UTKFace, research only)",
        licence="research only",
        measure=MEASURES["inpaint"],
        notes="the first 3,500 steps at 64 pixels and 800 at 128 without discriminators, then 2,100 with them; holes "
        "are seen at 128 pixels with what is around them, so that large ones in large photographs come out soft",
    ),
    "inpaint-semantic": Shipped(
        training_data="3,360 faces (UTKFace, research only)",
        licence="research only",
        measure=MEASURES["inpaint-semantic"],
        notes="aligned faces that fill a square, drawn at 64 pixels",
        suffixes=("search",),
    ),
    "style": Shipped(
        training_data="366 photographs (CC0 to CC BY-SA 4.0); the style of a painted wall (colorful-wall of Budgie's "
        "backgrounds, CC0)",
        licence="CC BY-SA 4.0",
        descriptions=("Photographs in the style of a painted wall", "Photographs in the style of any picture"),
        measure=MEASURES["style"],
        notes="the features that styles are seen by were learnt from the same photographs, by telling them apart, in "
        "1,600 steps; the network of the one style then learnt in 1,100",
    ),
    "pose-people": Shipped(
        training_data="Liberated Pixel Cup, 220 people in 16 poses each, composed of layers by the artists in "
        "AUTHORS-lpc.txt (CC BY-SA 3.0 or GPL 3.0)",
        licence="CC BY-SA 3.0",
        measure=MEASURES["pose-people"],
        notes="64 pixels, one person on white; joints are head, eyes, shoulders, hands, waist and feet, left and right "
        "as in the picture; in two runs, the second from the weights of the first: 5,300 steps of the first stage, "
        "1,800 of the second",
    ),
    "stargan-hair": Shipped(
        training_data="4,760 anime faces with the colour of their hair (no licence stated: research demonstration)",
        licence="research only",
        measure=MEASURES["stargan-hair"],
        notes="drawn faces that fill a square; made at 64 pixels",
    ),
}


def ship(
    name: str,
    run: Path,
    interpolate: Annotated[Path | None, typer.Option(help="A checkpoint to take a share of the weights from.")] = None,
    share: Annotated[float, typer.Option(help="That share.")] = 0.3,
    sets: Annotated[Path, typer.Option(help="Folder of the test sets, for measuring alone.")] = Path("data"),
) -> None:
    if name not in SHIPPED:
        raise typer.BadParameter(f"name one of {', '.join(SHIPPED)}")
    shipped = SHIPPED[name]
    files = shipped.measure.files
    descriptions = shipped.descriptions or (recipes.load(name).description,)
    with tempfile.TemporaryDirectory() as folder:
        drafts = [
            draft.path
            for draft in export(
                run,
                Path(folder) / f"{name}.onnx",
                licence=shipped.licence,
                training_data=shipped.training_data,
                notes=shipped.notes,
                interpolate=(interpolate, share) if interpolate else None,
            )
            if not shipped.suffixes or draft.path.stem.removeprefix(f"{name}-") in shipped.suffixes
        ]
        measured = shipped.measure.take([gantool.load(draft, device="cpu") for draft in drafts], sets)
        for draft, figures, file, description in zip(drafts, measured, files, descriptions, strict=True):
            rounded = {key: round(float(value), 2 if abs(value) >= 1 else 4) for key, value in figures.items()}
            card = library.read_card(draft)
            card = replace(
                card,
                identity=replace(card.identity, name=file, description=description),
                provenance=replace(card.provenance, metrics=rounded, protocol=shipped.measure.protocol),
            )
            model = onnx.load(draft)
            onnx.helper.set_model_props(model, {KEY: card.to_json()})
            onnx.save(model, _MODELS / f"{file}.onnx")
            print(file, rounded)
    sums = [f"{library.sha256(path)}  {path.name}\n" for path in sorted(_MODELS.glob("*.onnx"))]
    (_MODELS / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    typer.run(ship)
