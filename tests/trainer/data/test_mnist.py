import gzip
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from gantool_trainer.data import labelled, mnist, plain
from gantool_trainer.data.batches import DataConfig
from gantool_trainer.data.labels import names_of
from gantool_trainer.data.pictures import read_picture
from gantool_trainer.errors import TrainingError


def packed(values: np.ndarray) -> bytes:
    return bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes() + values.astype(np.uint8).tobytes()


@pytest.fixture
def digits(tmp_path: Path) -> Path:
    """A folder as MNIST comes, of 12 and of 4 digits."""
    for part, stem, count in (("train", "train", 12), ("test", "t10k", 4)):
        pictures = np.arange(count * 6).reshape(count, 2, 3)
        folder = tmp_path / "digits" / part
        folder.mkdir(parents=True)
        (folder / f"{stem}-images-idx3-ubyte.gz").write_bytes(gzip.compress(packed(pictures)))
        (folder / f"{stem}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(packed(np.arange(count) % 3)))
    return tmp_path / "digits"


def test_pictures_are_numbered(digits: Path) -> None:
    file = digits / "train" / "train-images-idx3-ubyte.gz"
    paths = mnist.pictures(file)
    assert len(paths) == 12 and paths[10] == file / "10"
    assert read_picture(paths[10])[..., 1].tolist() == [[60, 61, 62], [63, 64, 65]]
    assert mnist.picture(digits / "10") is None and mnist.labels(file)[4] == 1


def test_folders_of_them_are_folders_of_pictures(digits: Path) -> None:
    assert len(plain.index(digits, DataConfig(holdout=2), 0).train) == 12
    assert names_of(digits, "") == ("0", "1", "2")
    _, split = labelled.index(digits, "", ("0", "2"), DataConfig(holdout=1), 0)
    assert [item.label for item in split.train] == [0, 1] * 4 and len(split.holdout) == 1


@pytest.mark.parametrize("damage", ["cut", "header", "gzip"])
def test_a_damaged_file_is_named(damage: str, digits: Path) -> None:
    file = digits / "train" / "train-images-idx3-ubyte.gz"
    data = gzip.decompress(file.read_bytes())
    broken = {"cut": gzip.compress(data[:-1]), "header": gzip.compress(b"\0\0\x0d" + data[3:]), "gzip": b"\x1f\x8b no"}
    file.write_bytes(broken[damage])
    with pytest.raises(TrainingError, match=f"cannot read {file}"):
        plain.index(digits, DataConfig(holdout=2), 0)


def test_pictures_without_pixels_are_refused(digits: Path) -> None:
    file = digits / "train" / "train-images-idx3-ubyte.gz"
    file.write_bytes(gzip.compress(packed(np.zeros((12, 0, 3)))))
    with pytest.raises(TrainingError, match=f"cannot read {file}"):
        plain.index(digits, DataConfig(holdout=2), 0)


def test_what_systems_leave_is_passed_over(digits: Path) -> None:
    (digits / "train" / "._train-images-idx3-ubyte").write_bytes(b"no digits")
    assert names_of(digits, "") == ("0", "1", "2")


def test_labels_must_be_there_and_fit(digits: Path) -> None:
    labels = digits / "train" / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(packed(np.zeros(3))))
    with pytest.raises(TrainingError, match="and what belongs to it"):
        labelled.index(digits, "", ("0", "1"), DataConfig(holdout=1), 0)


def test_all_of_mnist_in_one_folder(digits: Path, tmp_path: Path) -> None:
    flat = tmp_path / "raw"
    flat.mkdir()
    for file in [*(digits / "train").iterdir(), *(digits / "test").iterdir()]:
        (flat / file.name).write_bytes(file.read_bytes())
        (flat / file.name).with_suffix("").write_bytes(gzip.decompress(file.read_bytes()))
    for split in (
        plain.index(flat, DataConfig(holdout=2), 0),
        labelled.index(flat, "", ("0", "1", "2"), DataConfig(holdout=2), 0)[1],
    ):
        assert len(split.train) == 10 and len(split.holdout) == 2


def test_pictures_need_no_labels(digits: Path) -> None:
    for file in (digits / "train").glob("*labels*"):
        file.unlink()
    assert len(plain.index(digits, DataConfig(holdout=2), 0).train) == 12


def test_a_packed_file_is_read_no_further_than_it_claims(tmp_path: Path) -> None:
    file = tmp_path / "train-images-idx3-ubyte.gz"
    file.write_bytes(gzip.compress(packed(np.zeros((2, 2, 3))) + bytes(10**8)))
    tracemalloc.start()
    with pytest.raises(TrainingError, match="damaged"):
        plain.index(tmp_path, DataConfig(holdout=1), 0)
    assert tracemalloc.get_traced_memory()[1] < 10**7
    tracemalloc.stop()
    file.write_bytes(gzip.compress(bytes((0, 0, 8, 3)) + b"\xff" * 12))
    with pytest.raises(TrainingError, match="damaged"):
        plain.index(tmp_path, DataConfig(holdout=1), 0)
