import time
from pathlib import Path

import pytest

from gantool.card.reader import read_metadata
from gantool.errors import ModelError


def field(number: int, data: bytes) -> bytes:
    return number_of((number << 3) | 2) + number_of(len(data)) + data


def number_of(value: int) -> bytes:
    """As a protocol buffer writes it."""
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + number_of(value >> 7)


def entry(key: str, value: str) -> bytes:
    return field(14, field(1, key.encode()) + field(2, value.encode()))


GRAPH = field(7, b"nodes")
WHOLE = b"\x08\x08" + field(2, b"a producer") + GRAPH + entry("gantool", "{}") + entry("grüße", "größer " * 100)


def test_entries_are_found_among_everything_else(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(WHOLE)
    assert read_metadata(path) == {"gantool": "{}", "grüße": "größer " * 100}


def test_a_graph_is_stepped_over(tmp_path: Path) -> None:
    path, size = tmp_path / "model.onnx", 10**9
    with path.open("wb") as file:
        file.write(number_of(7 << 3 | 2) + number_of(size))
        file.seek(size, 1)
        file.write(entry("gantool", "{}"))
    start = time.perf_counter()
    assert read_metadata(path) == {"gantool": "{}"}
    assert time.perf_counter() - start < 0.1


def test_what_is_cut_short_is_no_model_or_has_less_to_say(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    for length in range(len(WHOLE)):
        path.write_bytes(WHOLE[:length])
        try:
            assert read_metadata(path).keys() < {"gantool", "grüße"}
        except ModelError as error:
            assert "model.onnx is not a whole ONNX model" in str(error)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello, world", id="text"),
        pytest.param(entry("gantool", "{}"), id="no graph"),
        pytest.param(GRAPH + b"\xff" * 20, id="an endless number"),
        pytest.param(GRAPH + b"\x72\xff\xff\xff\xff\x7f", id="longer than the file"),
        pytest.param(GRAPH + field(14, field(1, b"gantool") + field(2, b"\xff\xfe")), id="no UTF-8"),
        pytest.param(GRAPH + field(14, b"\x0a\x40gantool"), id="an entry cut short"),
        pytest.param(GRAPH + b"\x73", id="a group"),
        pytest.param(GRAPH + field(14, field(1, b"a" * 2**24)), id="too long"),
    ],
)
def test_damage_is_said_in_one_line(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(data)
    with pytest.raises(ModelError, match=r"model.onnx is not a whole ONNX model: .+") as caught:
        read_metadata(path)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot read"):
        read_metadata(tmp_path)
