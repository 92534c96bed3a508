import tempfile

import numpy as np
import pytest

from gantool import ModelError
from gantool.engine.spill import BandStore


def test_bands_come_back_and_are_measured_as_one() -> None:
    whole = np.random.default_rng(0).normal(100, 3, (2, 50, 7)).astype(np.float32)
    store = BandStore(2, 7)
    for top in range(0, 50, 8):
        store.append(whole[:, top : top + 8])
    assert np.array_equal(store.read(0, 50)[0], whole)
    assert np.array_equal(store.read(13, 20)[0], whole[:, 13:20])
    mean, variance = store.moments()
    store.close()
    assert np.allclose(mean, whole.mean((1, 2)), rtol=1e-6) and np.allclose(variance, whole.var((1, 2)), rtol=1e-5)


def test_a_full_disk_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        def seek(self, *_: int) -> None: ...
        def close(self) -> None: ...
        def write(self, _: object) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", Full)
    with pytest.raises(ModelError, match=r"No space left.*TMPDIR"):
        BandStore(1, 4).append(np.zeros((1, 2, 4), np.float32))


def test_no_place_for_a_temporary_file_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(ModelError, match=r"No usable.*TMPDIR"):
        BandStore(1, 4)
