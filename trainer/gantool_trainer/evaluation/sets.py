"""The pictures that models are measured on, none of them trained on."""

from pathlib import Path

from gantool_trainer.data import described
from gantool_trainer.data.pictures import Picture, read_picture, scaled


def photographs(sets: Path) -> dict[str, list[Picture]]:
    """Held-out photographs: half of B100 as it is, and outdoor ones at a short side of 512 pixels."""
    b100 = [read_picture(path) for path in sorted((sets / "sr-test" / "B100" / "HR-x4").iterdir())[::2]]
    outdoors = sorted((sets / "day-night" / "testA").iterdir())[::3]
    return {"B100": b100, "outdoors": [scaled(read_picture(path), 512) for path in outdoors]}


def kinds(folder: Path, part: str, column: str, pictures: str = "") -> dict[str, list[Path]]:
    """The pictures of one part of a labelled set, by label."""
    items = described.rows(folder / f"{part}.csv", folder / part / pictures, [column])
    return {
        label: [path for path, own in items if own == (label,)] for label in sorted({label for _, (label,) in items})
    }
