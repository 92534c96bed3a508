import multiprocessing
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from gantool_trainer import checkpoint, loop, recipe
from gantool_trainer.data import batches, plain
from gantool_trainer.data.batches import DataConfig
from gantool_trainer.data.degraded import DegradedConfig, DegradedCrops
from gantool_trainer.data.squares import SquareConfig, Squares
from gantool_trainer.errors import DataError, TrainingError
from gantool_trainer.families import FAMILIES
from tiny import SMALL, TINY, lay_out

CONFIG = DegradedConfig(crop=32, holdout=2, workers=0)


def pairs(photos: Path, **changes: object) -> DegradedCrops:
    config = CONFIG.model_copy(update=changes)
    return DegradedCrops(plain.index(photos, config, 0).train, config, 4, seed=3)


def test_an_epoch_sees_every_picture_once() -> None:
    for epoch in range(3):
        assert sorted(batches.permutation(0, epoch, 50)) == list(range(50))
    assert not np.array_equal(batches.permutation(0, 0, 50), batches.permutation(0, 1, 50))


def test_processes_share_the_batches_of_one(photos: Path) -> None:
    source = pairs(photos)
    (whole,) = batches.batches(source, CONFIG, 4, 5, batch=4)
    first, second = (next(batches.batches(source, CONFIG, 4, 5, batch=2, rank=rank, world=2)) for rank in (0, 1))
    assert torch.equal(whole[1], torch.cat([first[1], second[1]]))


def test_workers_do_not_change_the_batches(photos: Path) -> None:
    alone, helped = (
        next(batches.batches(pairs(photos), CONFIG.model_copy(update={"workers": w}), 3, 4, 2)) for w in (0, 1)
    )
    assert torch.equal(alone[0], helped[0])


def test_errors_of_loader_processes_are_one_line(photos: Path, tmp_path: Path) -> None:
    for name in ("dog.jpg", "city.jpg", "baby.jpg"):
        shutil.copy(photos / name, tmp_path)
    config = CONFIG.model_copy(update={"workers": 1, "cache_gb": 0.0})
    dataset = DegradedCrops(plain.index(tmp_path, config, 0).train, config, 4, seed=0)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(TrainingError, match=r"can no longer be read: .*\.jpg") as caught:
        next(batches.batches(dataset, config, 0, 5, 1))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", recipe.names())
def test_the_samples_of_each_recipe_can_be_drawn_in_another_process(name: str, photos: Path, tmp_path: Path) -> None:
    settings = recipe.load(name, SMALL[recipe.load(name).family])
    family, folder = FAMILIES[settings.family], lay_out(name, photos, tmp_path / "data")
    config, split = family.index(folder, settings.model, settings.data, 0)
    dataset = family.dataset(split, config, settings.data, 0)
    there = pickle.loads(pickle.dumps(batches.sound(dataset, settings.data)))
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(dataset[3], there[3], strict=True))


@pytest.fixture
def started() -> Iterator[Callable[[str], None]]:
    """Chooses how processes are started, until the test ends."""
    before = multiprocessing.get_start_method()
    yield lambda method: multiprocessing.set_start_method(method, force=True)
    multiprocessing.set_start_method(before, force=True)


@pytest.mark.parametrize("method", sorted({"spawn", "forkserver"} & {*multiprocessing.get_all_start_methods()}))
def test_training_starts_however_processes_do(
    method: str, started: Callable[[str], None], photos: Path, tmp_path: Path
) -> None:
    started(method)
    settings = recipe.load("inpaint", (*SMALL["inpaint"], "data.workers=1", "data.skip_bad=true"))
    assert loop.train(settings, photos, tmp_path / "run", accelerator="cpu")
    assert checkpoint.read_header(tmp_path / "run").step == 2


def test_what_can_no_longer_be_read_is_replaced_where_it_may(photos: Path, tmp_path: Path) -> None:
    for name in ("dog", "city", "baby", "coffee"):
        shutil.copy(photos / f"{name}.jpg", tmp_path)
    paths = plain.index(tmp_path, DataConfig(holdout=1), 0).train
    config = SquareConfig(side=16, cache_gb=0, skip_bad=True, mirror=False)
    squares = Squares(paths, (np.arange(len(paths)),), config, seed=0)
    shown = batches.sound(squares, config)
    before = [int(shown[n][1]) for n in range(6)]
    paths[before[1]].write_bytes(b"")
    assert [int(shown[n][1]) for n in range(3)] == [before[0], before[2], before[2]]
    assert torch.equal(shown[1][0], shown[2][0])
    with pytest.raises(DataError, match=paths[before[1]].name):
        batches.sound(squares, config.model_copy(update={"skip_bad": False}))[1]
    for path in paths:
        path.unlink(missing_ok=True)
    with pytest.raises(DataError, match="can no longer be read"):
        shown[0]


def test_bad_pictures_are_listed_in_the_run_and_left_out_if_asked(photos: Path, tmp_path: Path) -> None:
    folder, run, said = tmp_path / "photos", tmp_path / "run", list[str]()
    shutil.copytree(photos, folder, ignore=shutil.ignore_patterns("*.txt"))
    for number in range(7):
        (folder / f"bad{number}.png").write_bytes(b"")
    with pytest.raises(TrainingError, match=r"bad4.*and 2 more; all 7 are listed in .*bad-pictures\.txt; --set data"):
        loop.train(recipe.load("srresnet", TINY), folder, run, accelerator="cpu")
    assert len((run / "bad-pictures.txt").read_text().splitlines()) == 7
    settings = recipe.load("srresnet", (*TINY, "data.skip_bad=true"))
    assert loop.train(settings, folder, run, accelerator="cpu", warn=said.append)
    assert said[0].startswith("7 pictures are left out") and (run / "bad-pictures.txt").exists()
