import numpy as np
import pytest

from gantool.arrays import Box
from gantool.engine.boxes import grid


@pytest.mark.parametrize("size", [(1, 1), (7, 130), (64, 64), (65, 200), (512, 3)])
@pytest.mark.parametrize(("tile", "multiple"), [(1000, 1), (64, 1), (32, 1), (33, 8), (32, 4)])
def test_boxes_cover_every_pixel_once(size: tuple[int, int], tile: int, multiple: int) -> None:
    area = Box(0, 0, *(-(-side // multiple) * multiple for side in size))
    seen = np.zeros((area.height, area.width), int)
    for box in grid(area, tile, multiple):
        seen[box.slices] += 1
        assert box.height <= max(tile, multiple) and box.width <= max(tile, multiple)
        assert box.top % multiple == box.left % multiple == 0
    assert (seen == 1).all()


def test_boxes_are_of_about_equal_size() -> None:
    heights = {box.height for box in grid(Box(0, 0, 101, 10), 50)}
    assert heights == {33, 34}


def test_growing_stops_at_the_border() -> None:
    limit = Box(0, 0, 100, 50)
    assert Box(10, 10, 20, 20).grown(5, limit) == Box(5, 5, 25, 25)
    assert Box(0, 40, 100, 50).grown(16, limit) == Box(0, 24, 100, 50)


def test_coordinates_follow() -> None:
    core, window = Box(10, 20, 30, 50), Box(5, 15, 35, 50)
    assert core.relative_to(window).scaled(4) == Box(20, 20, 100, 140)
    array = np.arange(100 * 100).reshape(100, 100)
    assert np.array_equal(array[window.slices][core.relative_to(window).slices], array[core.slices])
