"""Folders of pictures to learn from, made for a test."""

import shutil
from pathlib import Path

from PIL import Image


def put(photos: Path, *targets: Path) -> None:
    for number, target in enumerate(targets):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sorted(photos.glob("*.jpg"))[number % 8], target)


def small(folder: Path, count: int, prefix: str = "") -> Path:
    """Small pictures named by numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(folder / f"{prefix}{number}.png")
    return folder


def described(folder: Path) -> Path:
    """Six pictures with their hair, eyes and a caption in faces.csv."""
    rows = ["file,hair,eyes,caption"]
    for i in range(6):
        Image.new("RGB", (16, 16)).save(folder / f"{i}.png")
        rows.append(f'{i}.png,{"red" if i % 2 else "blue"},{"green" if i < 3 else "gray"},"number {i}, a face"')
    (folder / "faces.csv").write_text("\n".join(rows))
    return folder
