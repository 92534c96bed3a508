"""What ships is in tiles what it is whole, on what people have: a photograph with the blocks of a JPEG file."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gantool

PICTURE = Path(__file__).parents[1] / "pictures" / "flowers.jpg"


@pytest.mark.parametrize("name", ["restore", "upscale-x2", "upscale-x2-fidelity"])
def test_tiles_are_what_the_whole_is(name: str) -> None:
    buffer = io.BytesIO()
    Image.open(PICTURE).convert("RGB").resize((176, 144)).save(buffer, "JPEG", quality=30)
    photo = np.asarray(Image.open(buffer))
    model = gantool.load(name, device="cpu", threads=1)
    whole, tiled = (model(photo, tile=tile).astype(int) for tile in (1000, 48))
    apart = np.abs(whole - tiled)
    assert apart.max() <= 1 and (apart > 0).mean() < 1e-4
