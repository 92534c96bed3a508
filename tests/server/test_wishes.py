"""What a request asks for, before any work."""

import json
import struct
from pathlib import Path
from typing import Any

import pytest

import gantool
from encoded import chunk, encode_tiff, sample
from gantool_server import wishes
from gantool_server.settings import Settings
from gantool_server.wishes import Refused, Sent, Table
from serving import FAST, picture


@pytest.fixture(scope="module")
def table() -> Table:
    return Table(FAST)


def refusal(
    table: Table, folder: Path, verb: str, words: dict[str, Any], settings: Settings = FAST, **files: bytes
) -> Refused:
    said = {name: value if isinstance(value, str) else json.dumps(value) for name, value in words.items()}
    paths = {name: folder / f"sent-{name}" for name in files}
    for name, data in files.items():
        paths[name].write_bytes(data)
    with pytest.raises(Refused) as caught:
        wishes.work(Sent(verb, said, paths), table, settings)
    assert "\n" not in caught.value.message and str(folder) not in caught.value.message
    return caught.value


EVIL = [
    "../../etc/passwd",
    "/etc/passwd",
    "http://169.254.169.254/latest",
    "file:///etc/passwd",
    "a\0b",
    "..",
    "\\\\a\\b",
]


@pytest.mark.parametrize("evil", EVIL)
def test_no_name_becomes_a_path(table: Table, tmp_path: Path, evil: str) -> None:
    file = picture()
    for verb, words, status, field in [
        (evil, {}, 404, "verb"),
        ("upscale", {"model": evil}, 404, "model"),
        ("upscale", {"format": evil}, 422, "format"),
        ("upscale", {"quality": evil}, 422, "quality"),
        ("stylize", {"style": evil}, 422, "style"),
        ("stylize", {"options": {"style": evil}}, 422, "style"),
        ("inpaint", {"mask": evil}, 422, "mask"),
        ("inpaint", {"options": {"mask": evil}}, 422, "mask"),
        ("pose", {"options": {"pose": evil}}, 422, "pose"),
        ("upscale", {"file": evil}, 422, "file"),
        ("upscale", {"options": {"size": evil}}, 422, "size"),
        ("upscale", {"options": {"tile": 1}}, 422, "tile"),
        ("generate", {"model": "dcgan-faces", "format": evil}, 422, "format"),
    ]:
        found = refusal(table, tmp_path, verb, words, file=file) if verb != "generate" else None
        found = found or refusal(table, tmp_path, verb, words)
        assert (found.status, found.field) == (status, field), (verb, words, found.message)


@pytest.mark.parametrize("evil", EVIL)
def test_a_pose_is_values(table: Table, tmp_path: Path, evil: str) -> None:
    for pose in (evil.encode(), json.dumps(evil).encode(), json.dumps([evil]).encode(), b"[" * 100_000):
        found = refusal(table, tmp_path, "pose", {}, file=picture(), pose=pose)
        assert (found.status, found.field) == (422, "pose")
    assert refusal(table, tmp_path, "pose", {}, file=picture(), pose=json.dumps({"head": evil}).encode()).status == 422


@pytest.mark.parametrize(
    ("verb", "words", "field"),
    [
        ("upscale", {"scale": "0"}, "scale"),
        ("upscale", {"scale": "nan"}, "scale"),
        ("upscale", {"scale": "1e999"}, "scale"),
        ("upscale", {"width": "9" * 5000}, "width"),
        ("upscale", {"width": "ten"}, "width"),
        ("upscale", {"fit": "12"}, "fit"),
        ("upscale", {"options": "{"}, "options"),
        ("upscale", {"options": [1]}, "options"),
        ("upscale", {"options": "[" * 60_000}, "options"),
        ("upscale", {"options": '{"scale": NaN}'}, "scale"),
        ("upscale", {"options": {"scale": [1]}}, "scale"),
        ("upscale", {"options": {"fit": "abc"}}, "fit"),
        ("upscale", {"options": {"verb": 1}}, "verb"),
        ("upscale", {"denoise": "2"}, "denoise"),
        ("upscale", {"seamless": "maybe"}, "seamless"),
        ("upscale", {"quality": "01000"}, "quality"),
        ("upscale", {"quality": "0100" + "0" * 5000}, "quality"),
        ("upscale", {"quality": "101"}, "quality"),
        ("upscale", {"quality": "-1"}, "quality"),
        ("upscale", {"format": "exe"}, "format"),
        ("upscale", {"nonsense": "1"}, "nonsense"),
        ("restore", {"strength": "2"}, "strength"),
        ("restore", {"working_size": "4096"}, "working_size"),
        ("inpaint", {"box": "1,2"}, "box"),
        ("translate", {}, "model"),
        ("generate", {}, "model"),
        ("generate", {"model": "dcgan-faces", "n": "65"}, "n"),
        ("generate", {"model": "dcgan-faces", "seed": "-1"}, "seed"),
        ("generate", {"model": "dcgan-faces", "options": {"n": "x"}}, "n"),
        ("generate", {"model": "dcgan-faces", "options": {"verb": 1}}, "verb"),
        ("generate", {"model": "dcgan-faces", "options": {"truncate": {}}}, None),
        ("generate", {"model": "cgan-mnist", "options": {"label": {}}}, None),
        ("generate", {"model": "infogan-mnist", "codes": "c1"}, "codes"),
        ("generate", {"model": "infogan-mnist", "options": {"codes": {"c1": []}}}, None),
        ("generate", {"model": "stackgan-people", "options": {"text": 3}}, None),
        ("generate", {"model": "dcgan-faces", "quality": "0"}, "quality"),
        ("generate", {"model": "dcgan-faces", "format": "webp", "quality": "101"}, "quality"),
    ],
)
def test_wrong_options_are_named(table: Table, tmp_path: Path, verb: str, words: dict[str, Any], field: str) -> None:
    files = {} if verb == "generate" else {"file": picture()}
    found = refusal(table, tmp_path, verb, words, **files)
    assert (found.status, found.field) == (422, field), found.message


def test_what_has_to_be_sent(table: Table, tmp_path: Path) -> None:
    assert refusal(table, tmp_path, "upscale", {}).field == "file"
    assert refusal(table, tmp_path, "inpaint", {}, file=picture()).status == 422
    assert refusal(table, tmp_path, "generate", {"model": "dcgan-faces"}, file=picture()).field == "file"
    assert refusal(table, tmp_path, "upscale", {"model": "restore"}, file=picture()).status == 404


def test_only_these_formats_are_read(table: Table, tmp_path: Path) -> None:
    for format in wishes.DECODED:
        file = encode_tiff(sample((8, 8, 3))) if format == "TIFF" else picture(format.upper())
        path = tmp_path / "sent"
        path.write_bytes(file)
        assert callable(wishes.work(Sent("upscale", {}, {"file": path}), table, FAST))
    for format in ("BMP", "PPM", "ICO", "TGA", "JPEG2000"):
        found = refusal(table, tmp_path, "upscale", {}, file=picture(format))
        assert (found.status, found.field) == (415, "file")
    for file in (b"", b"\0" * 100, b"<svg/>", b"%PDF-1.7", picture()[:20], picture("JPEG")[:30]):
        found = refusal(table, tmp_path, "upscale", {}, file=file)
        assert (found.status, found.field) == (415, "file")
    assert refusal(table, tmp_path, "inpaint", {}, file=picture(), mask=b"none").field == "mask"


def claiming(format: str, side: int) -> bytes:
    """A small file whose headers say that it is large."""
    if format == "PNG":
        return (
            b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)) + picture()[33:]
        )
    if format == "GIF":
        data = bytearray(picture("GIF"))
        struct.pack_into("<HH", data, 6, min(side, 65535), min(side, 65535))
        return bytes(data)
    if format == "TIFF":
        data = bytearray(encode_tiff(sample((8, 8, 3))))
        (first,) = struct.unpack_from("<I", data, 4)
        (count,) = struct.unpack_from("<H", data, first)
        for at in range(first + 2, first + 2 + 12 * count, 12):
            if struct.unpack_from("<H", data, at)[0] in (256, 257):
                struct.pack_into("<HHI", data, at, struct.unpack_from("<H", data, at)[0], 4, 1)
                struct.pack_into("<I", data, at + 8, side)
        return bytes(data)
    data = bytearray(picture("AVIF", 64))
    at = data.index(b"ispe")
    struct.pack_into(">II", data, at + 8, side, side)
    return bytes(data)


@pytest.mark.parametrize("format", ["PNG", "GIF", "TIFF", "AVIF"])
@pytest.mark.parametrize("side", [20_000, 60_000, 2**31 - 1])
def test_claims_are_believed_and_refused(table: Table, tmp_path: Path, format: str, side: int) -> None:
    found = refusal(table, tmp_path, "upscale", {}, file=claiming(format, side))
    assert found.status in (413, 415) and found.field == "file"


def test_pixels_of_what_comes_and_of_what_goes(table: Table, tmp_path: Path) -> None:
    settings = Settings(pixels=63, result_pixels=1000)
    assert refusal(table, tmp_path, "upscale", {}, settings, file=picture()).status == 413
    settings = Settings(pixels=64, result_pixels=16 * 64 - 1)
    assert refusal(table, tmp_path, "upscale", {}, settings, file=picture()).status == 413
    assert refusal(table, tmp_path, "upscale", {"width": "33"}, settings, file=picture()).status == 413
    mask = refusal(table, tmp_path, "inpaint", {}, settings, file=picture(), mask=picture(side=9))
    assert (mask.status, mask.field) == (413, "mask")
    (tmp_path / "sent").write_bytes(picture())
    assert callable(wishes.work(Sent("upscale", {"width": "31"}, {"file": tmp_path / "sent"}), table, settings))


def test_all_frames_are_counted(table: Table, tmp_path: Path) -> None:
    import io

    from PIL import Image

    buffer = io.BytesIO()
    frames = [Image.new("L", (8, 8), shade) for shade in range(10)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    assert refusal(table, tmp_path, "upscale", {}, Settings(pixels=639), file=buffer.getvalue()).status == 413
    found = refusal(table, tmp_path, "upscale", {}, Settings(result_pixels=16 * 640 - 1), file=buffer.getvalue())
    assert found.status == 413


def test_the_table_is_fixed(tmp_path: Path, tiny_file: Path) -> None:
    gantool.library.add(tiny_file, "mine")
    table = Table(Settings(models=("mine",)))
    assert list(table.cards) == ["mine"]
    assert refusal(table, tmp_path, "upscale", {"model": "upscale-x4"}, file=picture()).status == 404
    assert refusal(table, tmp_path, "restore", {}, file=picture()).status == 404
    with pytest.raises(gantool.UnknownModelError, match="no-such"):
        Table(Settings(models=("no-such",)))


def test_three_models_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gantool, "load", lambda name, *_: object())
    table = Table(FAST)
    first = table.load("a")
    assert table.load("a") is first
    for name in "bcd":
        table.load(name)
    assert table.load("a") is not first
