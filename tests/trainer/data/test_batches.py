import multiprocessing
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantool_trainer import checkpoint, loop, recipe
from gantool_trainer.data import batches
from gantool_trainer.data.batches import (
    DegradedConfig,
    DegradedCrops,
    PairedConfig,
    PairedViews,
    SquareConfig,
    Squares,
    square,
    varied,
)
from gantool_trainer.data.degrade import DegradeConfig
from gantool_trainer.data.folders import paired, plain
from gantool_trainer.data.pictures import read_picture, to_tensor
from gantool_trainer.errors import DataError, TrainingError
from gantool_trainer.families import FAMILIES
from tiny import SMALL, TINY, lay_out

CONFIG = DegradedConfig(crop=32, holdout=2, workers=0)


def pairs(photos: Path, **changes: object) -> DegradedCrops:
    config = CONFIG.model_copy(update=changes)
    return DegradedCrops(plain(photos, config.holdout, 0).train, config, 4, seed=3)


def test_an_epoch_sees_every_picture_once() -> None:
    for epoch in range(3):
        assert sorted(batches.permutation(0, epoch, 50)) == list(range(50))
    assert not np.array_equal(batches.permutation(0, 0, 50), batches.permutation(0, 1, 50))


def test_a_sample_is_a_function_of_its_number(photos: Path) -> None:
    a, b = pairs(photos), pairs(photos)
    a[0], a[7]  # history must not matter
    assert all(torch.equal(x, y) for x, y in zip(a[100], b[100], strict=True))
    assert not torch.equal(a[100][1], a[101][1])


def test_without_room_for_a_cache_samples_are_the_same(photos: Path) -> None:
    assert torch.equal(pairs(photos)[9][1], pairs(photos, cache_gb=0.0)[9][1])


def test_shapes_and_range(photos: Path) -> None:
    low, high = pairs(photos)[0]
    assert low.shape == (3, 8, 8) and high.shape == (3, 32, 32)
    assert high.min() >= 0 and high.max() <= 1 and high.dtype == torch.float32


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


def test_pictures_are_shrunk_before_the_crop(photos: Path) -> None:
    plain, half = pairs(photos), pairs(photos, shrink=(0.25, 0.5))
    assert half[0][1].shape == plain[0][1].shape
    detail = [
        np.mean([np.abs(np.diff(source[n][1].numpy(), axis=2)).mean() for n in range(12)]) for source in (plain, half)
    ]
    assert detail[1] > 1.2 * detail[0]
    tiny = pairs(photos, shrink=(0.01, 0.01))  # no more than the whole picture
    assert tiny[0][1].shape == plain[0][1].shape
    with pytest.raises(ValueError, match="larger than the second"):
        DegradedConfig(shrink=(0.9, 0.5))


def test_targets_are_sharpened_and_inputs_are_not(photos: Path) -> None:
    (low, high), (again, sharp) = pairs(photos)[0], pairs(photos, degrade=DegradeConfig(sharpen=1.0))[0]
    assert torch.equal(low, again)
    assert sharp.std() > high.std()


def test_pictures_of_one_colour_are_passed_over(photos: Path, tmp_path: Path) -> None:
    for name in ("city", "dog", "baby", "coffee"):
        for folder in ("A", "B"):
            (tmp_path / folder).mkdir(exist_ok=True)
            shutil.copy(photos / f"{name}.jpg", tmp_path / folder)
    for name in ("dog", "baby"):
        Image.new("RGB", (160, 160), "white").save(tmp_path / "A" / f"{name}.jpg")
    config = PairedConfig(crop=64, side=(64, 96), holdout=1, workers=0)
    views = PairedViews(paired(tmp_path, ("A", "B"), 0, 0).train, config, seed=0)
    assert all(source.std() > 0.01 for source, _ in (views[n] for n in range(24)))
    flat, photo = np.full((8, 8, 3), [7, 8, 9], np.uint8), read_picture(photos / "dog.jpg")
    assert varied([flat, photo]) is photo
    assert varied([flat, flat]) is flat  # there is nothing else


def test_errors_of_loader_processes_are_one_line(photos: Path, tmp_path: Path) -> None:
    for name in ("dog.jpg", "city.jpg", "baby.jpg"):
        shutil.copy(photos / name, tmp_path)
    config = CONFIG.model_copy(update={"workers": 1, "cache_gb": 0.0})
    dataset = DegradedCrops(plain(tmp_path, config.holdout, 0).train, config, 4, seed=0)
    for path in tmp_path.iterdir():
        path.unlink()
    with pytest.raises(TrainingError, match=r"can no longer be read: .*\.jpg") as caught:
        next(batches.batches(dataset, config, 0, 5, 1))
    assert "\n" not in str(caught.value)


def test_squares_keep_their_facts_beside_them(photos: Path) -> None:
    paths = plain(photos, 1, 0).train
    facts = np.arange(len(paths))
    config = SquareConfig(side=32, mirror=False)
    squares = Squares(paths, (facts, facts[:, None] * 2), config, seed=0)
    shown = [squares[n] for n in range(2 * len(paths))]
    assert all(torch.equal(picture, to_tensor(square(read_picture(paths[int(i)]), config))) for picture, i, _ in shown)
    assert all(int(twice[0]) == 2 * int(i) for _, i, twice in shown)
    order = [int(i) for _, i, _ in shown]
    assert sorted(order[: len(paths)]) == sorted(order[len(paths) :]) == list(facts) != order[: len(paths)]


def test_squares_are_mirrored_in_half_of_the_draws(photos: Path) -> None:
    paths = plain(photos, 1, 0).train[:1]
    mirrored = Squares(paths, (), SquareConfig(side=16), seed=0)
    right = to_tensor(square(read_picture(paths[0]), SquareConfig(side=16)))
    turned = [torch.equal(mirrored[n][0], right.flip(2)) for n in range(40)]
    assert 10 < sum(turned) < 30 and all(torch.equal(mirrored[n][0], right) != was for n, was in enumerate(turned))
    gray = Squares(paths, (), SquareConfig(side=16, gray=True), seed=0)
    assert gray[0][0].shape == (1, 16, 16)


@pytest.mark.parametrize("name", recipe.names())
def test_the_samples_of_each_recipe_can_be_drawn_in_another_process(name: str, photos: Path, tmp_path: Path) -> None:
    settings = recipe.load(name, SMALL[recipe.load(name).family])
    family, folder = FAMILIES[settings.family], lay_out(name, photos, tmp_path / "data")
    config = family.settle(settings.model, folder, settings.data)
    dataset = family.dataset(family.scan(folder, config, settings.data, 0), config, settings.data, 0)
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
    paths = plain(tmp_path, 1, 0).train
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
