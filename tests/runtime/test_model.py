import io
import json
import pickle
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

import gantool
from gantool import bound, formats, memory
from gantool.arrays import Pixels
from gantool.card import Geometry, Tiles, Whole
from gantool.engine.network import Network
from gantool.picture import Picture, from_array
from gantool_export.onnx_file import to_onnx
from gantool_trainer.data.rain import rain
from gantool_trainer.layers.sr import RRDBNet, SRResNet

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def levels_apart(a: Pixels, b: Pixels) -> tuple[int, float]:
    """(largest difference in levels, share of samples that differ)."""
    difference = np.abs(a.astype(int) - b.astype(int))
    return int(difference.max()), float((difference > 0).mean())


@pytest.mark.parametrize("tile", [32, 40, 75, 128])
def test_tiled_equals_whole(tile: int, tiny_model: gantool.Model, photo: Pixels) -> None:
    assert levels_apart(tiny_model(photo, tile=tile), tiny_model(photo, tile=1000)) <= (1, 1e-4)


def test_a_tile_is_let_go_before_the_next_one_is_computed(
    tiny_model: gantool.Model, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[weakref.ref[Pixels]] = []
    compute = Network.picture

    def watched(*inputs: Any) -> Pixels:
        assert not any(values() is not None for values in made)
        values = compute(*inputs)
        made.append(weakref.ref(values))
        return values

    monkeypatch.setattr(Network, "picture", watched)
    tiny_model.convert(photo, io.BytesIO(), tile=40)
    assert len(made) > 4


@pytest.mark.parametrize("network", [SRResNet(2, 8, 2), RRDBNet(2, 8, 1)], ids=["srresnet", "rrdb"])
def test_other_architectures_tile_exactly_too(network: Any, tmp_path: Path, photo: Pixels, tiny_file: Path) -> None:
    from dataclasses import replace

    from gantool import Port, library
    from gantool_export.halo import find_tiling

    shape = ("batch", 3, "2*height", "2*width")
    outputs = (Port("result", "image", shape, range=network.output_range),)
    card = replace(library.read_card(tiny_file), geometry=Geometry(scale=2), outputs=outputs)
    card = replace(card, tiling=find_tiling(network.eval(), card))
    (tmp_path / "net.onnx").write_bytes(to_onnx(network, card)[0])
    model = gantool.load(tmp_path / "net.onnx", device="cpu")
    assert levels_apart(model(photo[:, :100], tile=48), model(photo[:, :100], tile=1000)) <= (1, 1e-4)


@pytest.mark.parametrize("name", ["restore", "style"])
def test_repairs_and_styles_tile_exactly_too(name: str, small_files: Callable[[str], Path], photo: Pixels) -> None:
    model = gantool.load(small_files(name), device="cpu")
    assert levels_apart(model(photo, tile=48), model(photo, tile=1000)) <= (1, 1e-4)


def test_a_halo_too_small_would_be_seen(tiny_model: gantool.Model, photo: Pixels) -> None:
    from dataclasses import replace

    careless = gantool.Model(replace(tiny_model.card, tiling=Tiles(0)), "cpu", tiny_model._session)
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
    assert result.shape == ((48, 40, channels) if channels else (48, 40))


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

        def run(self, names: Any, feeds: dict[str, Any], _: Any) -> Any:
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


class Doubling:
    """A session that repeats every pixel, refuses windows as a U-Net of stride 32 would, and remembers them."""

    def __init__(self, multiple: int, minimum: int, room: int = 10**9) -> None:
        self.multiple, self.minimum, self.room, self.windows = multiple, minimum, room, list[tuple[int, int]]()

    def run(self, _: Any, feeds: dict[str, Any], __: Any) -> Any:
        x = feeds["image"]
        height, width = x.shape[2:]
        assert min(height, width) >= self.minimum and height % self.multiple == width % self.multiple == 0
        if height * width > self.room:
            raise RuntimeError("out of memory")
        self.windows.append((height, width))
        return [x.repeat(2, axis=2).repeat(2, axis=3)]


@pytest.mark.parametrize("size", [(100, 100), (10, 200), (300, 40), (1, 1)])
@pytest.mark.parametrize(("multiple", "minimum", "tile"), [(32, 1, 100), (32, 64, 32), (1, 100, 100), (8, 70, 20)])
@pytest.mark.parametrize("room", [10**9, 100 * 110])
def test_multiples_and_minima_are_kept(
    size: tuple[int, int], multiple: int, minimum: int, tile: int, room: int, tiny_model: gantool.Model
) -> None:
    from dataclasses import replace

    geometry = Geometry(scale=2, multiple=multiple, minimum=minimum)
    card = replace(tiny_model.card, geometry=geometry, tiling=Tiles(5))
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    shares: list[float] = []
    result = gantool.Model(card, "cpu", Doubling(multiple, minimum, room))(picture, tile=tile, progress=shares.append)
    assert np.array_equal(result, picture.repeat(2, 0).repeat(2, 1))
    assert shares[-1] == pytest.approx(1) and shares == sorted(shares)


@pytest.mark.parametrize("size", [(100, 100), (300, 40)])
def test_what_cannot_be_tiled_is_run_whole(size: tuple[int, int], tiny_model: gantool.Model) -> None:
    from dataclasses import replace

    session = Doubling(32, 64)
    card = replace(tiny_model.card, geometry=Geometry(scale=2, multiple=32, minimum=64), tiling=Whole())
    model = gantool.Model(card, "cpu", session)
    model(np.zeros((*size, 3), np.uint8), tile=32)
    assert session.windows == [tuple(max(64, -(-side // 32) * 32) for side in size)]
    with pytest.raises(gantool.ModelError, match="memory"):
        gantool.Model(card, "cpu", Doubling(32, 64, room=100))(np.zeros((*size, 3), np.uint8))


def test_pillow_images_keep_what_belongs_to_them(tiny_model: gantool.Model, photo: Pixels) -> None:
    image = Image.fromarray(photo[:20, :30])
    exif = Image.Exif()
    exif[274], exif[271] = 6, "Maker"
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif, dpi=(300, 300), icc_profile=SRGB)
    with Image.open(buffer) as phone:
        result = tiny_model(phone)
    assert result.size == (20 * 4, 30 * 4)
    assert result.getexif().get(274, 1) == 1 and result.getexif()[271] == "Maker"
    assert result.info["dpi"] == (300, 300) and result.info["icc_profile"]


def test_a_card_of_another_graph_is_refused(tiny_file: Path, tmp_path: Path) -> None:
    import onnx

    card = json.loads(tiny_card(tiny_file))
    for name, changes in {"renamed": {"name": "x"}, "gray": {"channels": "L"}}.items():
        model = onnx.load(tiny_file)
        altered = {**card, "inputs": [{**card["inputs"][0], **changes}]}
        onnx.helper.set_model_props(model, {"gantool": json.dumps(altered)})
        onnx.save(model, tmp_path / f"{name}.onnx")
        with pytest.raises(gantool.ModelError, match=r"does not describe|other channels|card is wrong"):
            gantool.load(tmp_path / f"{name}.onnx")
    model = onnx.load(tiny_file)
    onnx.helper.set_model_props(model, {"gantool": json.dumps({**card, "geometry": {"scale": 3}})})
    onnx.save(model, tmp_path / "scale.onnx")
    with pytest.raises(gantool.ModelError, match="not what the card says"):
        gantool.load(tmp_path / "scale.onnx")(np.zeros((8, 8, 3), np.uint8))


def test_a_file_that_measures_a_batch_as_one_picture_is_refused(translation_file: Path, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(translation_file)
    (default,) = (tensor for tensor in model.graph.initializer if tensor.name == "statistics")
    model.graph.initializer.remove(default)
    onnx.save(model, tmp_path / "old.onnx")
    with pytest.raises(gantool.ModelError, match="export the model again"):
        gantool.load(tmp_path / "old.onnx")


def tiny_card(path: Path) -> str:
    import onnx

    return next(entry.value for entry in onnx.load(path).metadata_props if entry.key == "gantool")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(90, 100), (90, 100, 2), (90, 100, 4)])
def test_translations_of_every_kind_of_picture(dtype: type, shape: tuple[int, ...], translation: gantool.Model) -> None:
    top = 1.0 if dtype is np.float32 else np.iinfo(dtype).max
    array = (np.random.default_rng(0).random(shape) * top).astype(dtype)
    result = translation(array)
    assert result.dtype == dtype and result.shape == (90, 100, 4 if shape[2:] else 3)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_gray_that_is_stored_as_colour_stays_gray(dtype: type, tiny_model: gantool.Model, photo: Pixels) -> None:
    gray = (photo[:30, :40, 0] / 255 * (1 if dtype is np.float32 else np.iinfo(dtype).max)).astype(dtype)
    result = tiny_model(np.dstack([gray] * 3))
    assert result.shape == (120, 160, 3) and all(np.array_equal(result[..., i], tiny_model(gray)) for i in range(3))
    matte = tiny_model(np.dstack([gray, gray, gray, gray]))
    assert matte.shape == (120, 160, 4) and np.array_equal(matte[..., 0], matte[..., 2])


def test_a_batch_of_arrays(tiny_model: gantool.Model, photo: Pixels) -> None:
    batch = np.stack([photo[:20, :30], photo[20:40, 30:60]])
    shares: list[float] = []
    result = tiny_model(batch, progress=shares.append)
    assert np.array_equal(result, np.stack([tiny_model(one) for one in batch])) and shares == [0.5, 1]
    assert tiny_model(batch[..., :1]).shape == (2, 80, 120, 1)
    with pytest.raises(gantool.ImageError, match="no pictures"):
        tiny_model(batch[:0])


def test_a_size_of_ones_own(tiny_model: gantool.Model, photo: Pixels) -> None:
    shares: list[float] = []
    for size in ((70, 105), (160, 240), (320, 480), (400, 600)):
        result = tiny_model(photo[:40, :60], size=gantool.TargetSize(fit=size[::-1]), progress=shares.append)
        assert result.shape == (*size, 3) and result.dtype == np.uint8
        assert shares == sorted(shares) and shares[-1] == pytest.approx(1)
        shares.clear()
    assert tiny_model.result_size((60, 40)) == (240, 160)
    assert tiny_model.result_size((60, 40), gantool.TargetSize(width=90)) == (90, 60)
    deep = tiny_model(photo[:40, :60, 0].astype(np.uint16) * 257, size=gantool.TargetSize(scale=3))
    assert deep.dtype == np.uint16 and deep.shape == (120, 180)
    with pytest.raises(gantool.ImageError, match="smaller than the picture"):
        tiny_model(photo, size=gantool.TargetSize(width=20))


def test_bytes_and_files_both_ways(tiny_model: gantool.Model, photo: Pixels, tmp_path: Path) -> None:
    coded, expected = io.BytesIO(), tiny_model(Image.fromarray(photo[:20, :30]))
    Image.fromarray(photo[:20, :30]).save(coded, "PNG")
    (tmp_path / "a.png").write_bytes(coded.getvalue())
    with (tmp_path / "a.png").open("rb") as file:
        sources = [coded.getvalue(), bytearray(coded.getvalue()), io.BytesIO(coded.getvalue()), file]
        assert all(tiny_model(source) == expected for source in sources)
    for source in (io.BytesIO(coded.getvalue()), Image.fromarray(photo[:20, :30]), photo[:20, :30]):
        target = io.BytesIO()
        assert tiny_model.convert(source, target) == (120, 80) and Image.open(target).format == "PNG"
    assert tiny_model.convert(coded.getvalue(), tmp_path / "b.jpg", quality=30) == (120, 80)
    assert tiny_model.convert(coded.getvalue(), tmp_path / "c.jpg", quality=95) == (120, 80)
    assert (tmp_path / "b.jpg").stat().st_size < (tmp_path / "c.jpg").stat().st_size
    with pytest.raises(gantool.ImageError):
        tiny_model.convert(coded.getvalue(), tmp_path / "d.png", quality=30)
    with pytest.raises(gantool.ImageError, match=r"binary|open"):
        tiny_model.convert(coded.getvalue(), io.StringIO())  # type: ignore[arg-type]


def test_a_pickled_model_opens_its_file_again(tiny_file: Path, tmp_path: Path, photo: Pixels) -> None:
    file = tmp_path / "mine.onnx"
    file.write_bytes(tiny_file.read_bytes())
    model = gantool.load(file, device="cpu", threads=1)
    copy = pickle.dumps(model)
    again = pickle.loads(copy)
    assert again.device == "cpu" and np.array_equal(again(photo[:20, :20]), model(photo[:20, :20]))
    file.unlink()
    with pytest.raises(gantool.ModelError, match=r"mine\.onnx"):
        pickle.loads(copy)
    with pytest.raises(gantool.ModelError, match="not loaded from a file"):
        pickle.dumps(gantool.Model(model.card, "cpu", None))


def test_what_exceeds_the_memory_is_refused_before_any_work(
    tiny_model: gantool.Model, photo: Pixels, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(memory, "_LITTLE", 0)
    monkeypatch.setattr(memory, "available", lambda: 1_000_000)
    shares: list[float] = []
    for call in (lambda: tiny_model(photo, progress=shares.append), lambda: tiny_model.run(Picture(photo))):
        with pytest.raises(gantool.ImageError, match=r"megapixels\), needs .* GB are free; take a smaller"):
            call()
    with pytest.raises(gantool.ImageError, match="free"):
        tiny_model.convert(photo, tmp_path / "large.jpg")
    assert not shares and not list(tmp_path.iterdir())
    assert tiny_model(photo[:20, :20]).shape == (80, 80, 3)


def test_want_of_memory_inside_is_told(
    tiny_model: gantool.Model, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr(bound, "assembled", full)
    with pytest.raises(gantool.ImageError, match="not enough memory"):
        tiny_model(photo)


def test_names_of_files_may_be_texts(tiny_model: gantool.Model, photo: Pixels, tmp_path: Path) -> None:
    Image.fromarray(photo[:8, :8]).save(tmp_path / "a.png")
    assert tiny_model.convert(str(tmp_path / "a.png"), str(tmp_path / "b.png")) == (32, 32)
    assert Image.open(tmp_path / "b.png").size == (32, 32)


def test_shipped_translations_do_what_they_say(photos: Path) -> None:
    day = np.asarray(Image.open(photos / "city.jpg").convert("RGB"))
    night = gantool.load("cyclegan-day2night", device="cpu")(day)
    assert night.shape == day.shape and night.mean() < 0.75 * day.mean()
    assert gantool.load("cyclegan-night2day", device="cpu")(night).mean() > 1.1 * night.mean()
    wet = rain(day, np.random.default_rng(0))
    dry = gantool.load("pan-derain", device="cpu")(wet)
    assert np.square(dry - day.astype(float)).mean() < 0.5 * np.square(wet - day.astype(float)).mean()


def test_a_shipped_model_of_many_labels(photos: Path) -> None:
    face = np.asarray(Image.open(photos / "astronaut.jpg").convert("RGB").resize((64, 64)))
    model = gantool.load("stargan-hair", device="cpu")
    blue, red = (model(face, to=colour).mean(axis=(0, 1)) for colour in ("blue", "red"))
    assert blue[2] - blue[0] > red[2] - red[0] + 10


def test_a_result_beside_its_source_has_a_suffix_that_is_written(tiny_model: gantool.Model) -> None:
    named = (tiny_model.beside(Path(source)).name for source in ("photo.JPG", "photo.mpo", "photo.pcx"))
    assert tuple(named) == (
        f"photo-{tiny_model.card.name}.JPG",
        *(f"photo-{tiny_model.card.name}.{s}" for s in ("jpg", "png")),
    )


@pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
def test_an_animation_comes_out_frame_by_frame(tiny_model: gantool.Model, tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (12, 10), colour) for colour in ("red", "lime", "blue")]
    source, target = tmp_path / f"a.{suffix}", tmp_path / f"b.{suffix}"
    frames[0].save(source, save_all=True, append_images=frames[1:], duration=[50, 100, 150], loop=2)
    shares: list[float] = []
    notices: list[str] = []
    size = tiny_model.convert(source, target, progress=shares.append, notice=notices.append)
    assert size == (48, 40) and shares == pytest.approx([1 / 3, 2 / 3, 1]) and not notices
    found = formats.stream(target)
    shown = list(found.frames)
    assert [round(1000 * (frame.delay or 0)) for frame in shown] == [50, 100, 150] and found.metadata.loops == 2
    for frame, before in zip(shown, frames, strict=True):
        alone = tiny_model.run(from_array(np.asarray(before))).colour.mean((0, 1))
        assert np.abs(frame.picture.colour.mean((0, 1)) - alone).max() < 8


def test_pages_come_out_page_by_page(tiny_model: gantool.Model, photo: Pixels, tmp_path: Path) -> None:
    first, second = Image.fromarray(photo[:10, :12]), Image.fromarray(photo[:7, :9, 0])
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    tiny_model.convert(tmp_path / "a.tif", tmp_path / "b.tif")
    shown = [frame.picture for frame in formats.stream(tmp_path / "b.tif").frames]
    assert [picture.size for picture in shown] == [(40, 48), (28, 36)] and shown[1].gray
    assert np.array_equal(shown[0].colour, tiny_model(np.asarray(first)))


def test_of_several_pictures_the_first_is_kept_where_one_fits(tiny_model: gantool.Model, tmp_path: Path) -> None:
    frames = [Image.new("RGB", (12, 10), colour) for colour in ("red", "lime", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=50)
    for target in ("b.jpg", "b.tif"):
        notices: list[str] = []
        tiny_model.convert(tmp_path / "a.gif", tmp_path / target, notice=notices.append)
        kind = "JPEG" if target == "b.jpg" else "TIFF"
        assert notices == [f"of its 3 pictures the first is taken, as {kind} holds one"]
        assert formats.stream(tmp_path / target).count == 1


def test_a_file_that_is_written_in_bands_is_the_same_in_tiles(
    tiny_model: gantool.Model, photo: Pixels, tmp_path: Path
) -> None:
    for name in ("a.png", "a.tif", "a.ppm"):
        tiny_model.convert(photo, tmp_path / name, tile=32)
        assert np.abs(formats.read(tmp_path / name)[0].colour.astype(int) - tiny_model(photo)).max() <= 1


@pytest.mark.parametrize("tile", [24, 512])
def test_the_sides_of_a_panorama_meet(tiny_model: gantool.Model, photo: Pixels, tile: int) -> None:
    """As if the picture went on: enlarged between two of itself it is the same."""
    thrice = np.concatenate([photo] * 3, axis=1)
    inner = tiny_model(thrice)[:, 4 * photo.shape[1] : 8 * photo.shape[1]]
    found = tiny_model(photo, seamless=True, tile=tile)
    assert np.abs(found.astype(int) - inner).max() <= 1
    assert np.abs(tiny_model(photo).astype(int) - inner).max() > 1
    matte = np.dstack([photo, photo[..., 0]])
    assert tiny_model(matte, seamless=True).shape == (*found.shape[:2], 4)
    with pytest.raises(gantool.ModelError, match="own scale"):
        tiny_model(photo, seamless=True, size=gantool.TargetSize(scale=2))


def test_little_memory_makes_small_tiles(
    tiny_model: gantool.Model, photo: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares: list[float] = []
    monkeypatch.setattr(memory, "_in_use", lambda: 0)
    try:
        memory.limit(6_000_000)
        made = tiny_model(photo, progress=shares.append)
        memory.limit(100_000)
        with pytest.raises(gantool.ImageError, match="megapixels"):
            tiny_model(photo)
    finally:
        memory.limit(None)
    assert len(shares) > 1 and np.abs(made.astype(int) - tiny_model(photo)).max() <= 1
