"""Make the models that ship: export a run, measure it, write the figures into its card and the file into the package.

    python benchmarks/ship.py upscale-x4-fidelity runs/x4-fidelity
    python benchmarks/ship.py upscale-x4 runs/x4 --interpolate runs/x4/step-0004000.safetensors --share 0.3

The recipe of the same name describes it. Needs the test sets of `benchmarks/upscale.py` under data/sr-test.
"""

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from upscale import damaged_photographs, published_sets

import gantool
from gantool import library
from gantool_export import export
from gantool_trainer import recipe as recipes

PROTOCOL = (
    "PSNR/SSIM on Y (BT.601, 16..235), scale px cut at each border, LR as published; jpeg60: B100 originals shrunk by "
    "bicubic, Gaussian noise of sigma 5, JPEG 60"
)
DATA = "366 photographs: CC0, public domain, Unsplash, Pexels and Pixabay licences, CC BY, CC BY-SA 4.0"
LICENCE = "CC BY-SA 4.0"
_MODELS = Path(__file__).parent.parent / "runtime" / "gantool" / "models"


def ship(
    name: str,
    run: Path,
    interpolate: Annotated[Path | None, typer.Option(help="A checkpoint to take a share of the weights from.")] = None,
    share: Annotated[float, typer.Option(help="That share.")] = 0.3,
    sets: Annotated[Path, typer.Option(help="Test sets, for measuring alone.")] = Path("data/sr-test"),
) -> None:
    other = (interpolate, share) if interpolate else None
    with tempfile.TemporaryDirectory() as folder:
        (draft,) = export(run, Path(folder) / f"{name}.onnx", interpolate=other)
        metrics = measure(gantool.load(draft.path, device="cpu"), sets)
    target = _MODELS / f"{name}.onnx"
    _MODELS.mkdir(exist_ok=True)
    export(
        run,
        target,
        description=recipes.load(name).description,
        licence=LICENCE,
        training_data=DATA,
        interpolate=other,
        metrics=metrics,
        protocol=PROTOCOL,
        overwrite=True,
    )
    sums = [f"{library.sha256(path)}  {path.name}\n" for path in sorted(_MODELS.glob("*.onnx"))]
    (_MODELS / "SHA256SUMS").write_text("".join(sums))
    print(name, metrics)


def measure(model: gantool.Model, sets: Path) -> dict[str, float]:
    """Rounded figures by name."""
    figures: dict[str, float] = {}
    for name, _, ours in published_sets(model, sets):
        figures |= {f"{name} PSNR": round(float(ours[0]), 2), f"{name} SSIM": round(float(ours[1]), 4)}
    plain, ours = damaged_photographs(model, sorted((sets / "B100" / "HR-x4").iterdir()), 60, 5.0).mean(axis=0)
    return figures | {"jpeg60 PSNR": round(float(ours[0]), 2), "jpeg60 bicubic PSNR": round(float(plain[0]), 2)}


if __name__ == "__main__":
    typer.run(ship)
