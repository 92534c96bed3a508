import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import gantool
from gantool.pictures import Pixels
from gantool_export.onnx_file import write_onnx
from gantool_trainer.families.srgan import RRDBNet, SRResNet


def levels_apart(a: Pixels, b: Pixels) -> tuple[int, float]:
    """(largest difference in levels, share of samples that differ)."""
    difference = np.abs(a.astype(int) - b.astype(int))
    return int(difference.max()), float((difference > 0).mean())


@pytest.mark.parametrize("tile", [32, 40, 75, 128])
def test_tiled_equals_whole(tile: int, tiny_model: gantool.Model, photo: Pixels) -> None:
    assert levels_apart(tiny_model(photo, tile=tile), tiny_model(photo, tile=1000)) <= (1, 1e-4)


@pytest.mark.parametrize("network", [SRResNet(2, 8, 2), RRDBNet(2, 8, 1)], ids=["srresnet", "rrdb"])
def test_other_architectures_tile_exactly_too(network: Any, tmp_path: Path, photo: Pixels, tiny_file: Path) -> None:
    from dataclasses import replace

    from gantool import Port, library
    from gantool_export.halo import find_halo

    halo = find_halo(network.eval(), 2, 1, 1.0)
    shape = ("batch", 3, "2*height", "2*width")
    card = replace(
        library.read_card(tiny_file),
        scale=2,
        halo=halo.pixels,
        outputs=(Port("result", "image", shape, range=network.output_range),),
    )
    write_onnx(network, card, tmp_path / "net.onnx")
    model = gantool.load(tmp_path / "net.onnx", device="cpu")
    assert levels_apart(model(photo[:, :100], tile=48), model(photo[:, :100], tile=1000)) <= (1, 1e-4)


def test_a_halo_too_small_would_be_seen(tiny_model: gantool.Model, photo: Pixels) -> None:
    from dataclasses import replace

    careless = gantool.Model(replace(tiny_model.card, halo=0), "cpu", tiny_model._session)
    assert levels_apart(careless(photo, tile=40), tiny_model(photo))[0] > 1


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (5, 64)])
def test_smallest_pictures(size: tuple[int, int], tiny_model: gantool.Model) -> None:
    array = np.full((*size, 3), 100, np.uint8)
    assert tiny_model(array).shape == (4 * size[0], 4 * size[1], 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("channels", [0, 1, 2, 3, 4])
def test_arrays_keep_depth_and_channels(dtype: type, channels: int, tiny_model: gantool.Model) -> None:
    shape = (12, 10, channels) if channels else (12, 10)
    top = 1.0 if dtype is np.float32 else np.iinfo(dtype).max
    array = (np.random.default_rng(0).random(shape) * top).astype(dtype)
    result = tiny_model(array)
    assert result.dtype == dtype
    assert result.shape == ((48, 40) if channels in (0, 1) else (48, 40, channels))


def test_depths_agree(tiny_model: gantool.Model, photo: Pixels) -> None:
    crop = photo[:40, :40]
    deep = tiny_model(crop.astype(np.uint16) * 257)
    assert np.abs(deep / 257 - tiny_model(crop)).max() <= 0.51
    assert np.abs(tiny_model(crop / np.float32(255)) * 255 - tiny_model(crop)).max() <= 0.51


def test_pillow_images_come_back_as_they_went_in(tiny_model: gantool.Model, photo: Pixels) -> None:
    image = Image.fromarray(photo[:20, :30])
    for mode in ("RGB", "RGBA", "L", "LA"):
        result = tiny_model(image.convert(mode))
        assert (result.mode, result.size) == (mode, (120, 80))
    assert tiny_model(Image.fromarray(np.zeros((4, 4), np.uint16))).mode == "I;16"


def test_a_path_gives_a_file_beside_it(tiny_model: gantool.Model, photos: Path, tmp_path: Path) -> None:
    source = tmp_path / "photo.png"
    Image.open(photos / "dog.jpg").crop((0, 0, 20, 30)).save(source)
    result = tiny_model(source)
    assert result == tmp_path / "photo-tiny.png" and Image.open(result).size == (80, 120)
    with pytest.raises(gantool.ImageError, match="exists"):
        tiny_model(str(source))


def test_no_dark_fringe_around_what_is_cut_out(tiny_model: gantool.Model) -> None:
    picture = np.zeros((24, 24, 4), np.uint8)
    picture[6:18, 6:18] = (200, 180, 160, 255)
    opaque = np.full((24, 24, 3), (200, 180, 160), np.uint8)
    result, expected = tiny_model(picture), tiny_model(opaque)
    seen = result[..., 3] > 128
    assert np.abs(result[..., :3][seen].astype(int) - expected[seen]).max() <= 2


def test_progress_and_cancelling(tiny_model: gantool.Model, photo: Pixels) -> None:
    shares: list[float] = []
    tiny_model(photo, tile=64, progress=shares.append)
    assert len(shares) == 9 and shares == sorted(shares) and shares[-1] == 1

    token = threading.Event()
    done: list[float] = []

    def stop(share: float) -> None:
        done.append(share)
        token.set()

    with pytest.raises(gantool.Cancelled):
        tiny_model(photo, tile=64, progress=stop, cancel=token)
    assert len(done) == 1


def test_a_tile_that_does_not_fit_is_cut(tiny_model: gantool.Model, photo: Pixels) -> None:
    class Small:
        """A session whose device is full beyond 70 x 70 pixels."""

        refused = 0

        def run(self, names: Any, feeds: dict[str, Any]) -> Any:
            if feeds["image"].shape[2] * feeds["image"].shape[3] > 70 * 70:
                self.refused += 1
                raise RuntimeError("Failed to allocate memory for requested buffer")
            return tiny_model._session.run(names, feeds)

    session = Small()
    model = gantool.Model(tiny_model.card, "cpu", session)
    shares: list[float] = []
    assert levels_apart(model(photo, tile=80, progress=shares.append), tiny_model(photo)) <= (1, 1e-4)
    assert shares[-1] == pytest.approx(1) and shares == sorted(shares)
    assert session.refused == 1  # the other tiles are cut without trying them


def test_other_failures_are_not_hidden(tiny_model: gantool.Model, photo: Pixels) -> None:
    class Broken:
        def run(self, *_: Any) -> Any:
            raise RuntimeError("node 3 exploded")

    with pytest.raises(gantool.ModelError, match="node 3 exploded"):
        gantool.Model(tiny_model.card, "cpu", Broken())(photo)


def test_one_model_serves_many_threads(tiny_model: gantool.Model, photo: Pixels) -> None:
    crops = [photo[i : i + 40, i : i + 40] for i in range(8)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(tiny_model, crops))
    assert all(np.array_equal(result, tiny_model(crop)) for crop, result in zip(crops, together, strict=True))


def test_unusable_inputs(tiny_model: gantool.Model) -> None:
    for bad in (np.zeros((3, 3, 5), np.uint8), np.zeros((2, 2), np.int64), np.zeros((0, 4, 3), np.uint8)):
        with pytest.raises(gantool.ImageError):
            tiny_model(bad)
    with pytest.raises(gantool.ImageError, match="divide it"):
        tiny_model(np.full((4, 4, 3), 255.0))
    with pytest.raises(gantool.ImageError, match="list"):
        tiny_model([1, 2])  # type: ignore[call-overload]
