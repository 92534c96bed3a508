"""People in several poses."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from gantool import poses
from gantool_trainer.data.posed import PosedConfig, PosedPairs, index, posed_pair
from gantool_trainer.data.poses import body
from gantool_trainer.errors import TrainingError

POSES = {"stand": "12,4,12,28", "sit": "12,10,-1,-1", "lie": "4,24,28,24"}


PEOPLE = 4


CONFIG = PosedConfig(side=32, workers=0)


def colour(person: int, number: int) -> tuple[int, int, int]:
    """Tells who is in a picture, and in which pose."""
    return 60 * person, 100 * number, 255 - 60 * person


@pytest.fixture
def people(tmp_path: Path) -> Path:
    """A folder of four people in three poses, each picture of one colour."""
    lines = ["file,character,pose"]
    for person in range(PEOPLE):
        for number, name in enumerate(POSES):
            Image.new("RGB", (40, 40), colour(person, number)).save(tmp_path / f"{person}{name}.png")
            lines.append(f"{person}{name}.png,who{person},{name}")
    (tmp_path / "pictures.csv").write_text("\n".join(lines) + "\n")
    table = ["pose,head_x,head_y,foot_x,foot_y", *(f"{name},{at}" for name, at in POSES.items())]
    (tmp_path / "keypoints.csv").write_text("\n".join(table) + "\n")
    return tmp_path


def divided(folder: Path) -> None:
    """Into train and test, who0 in the latter."""
    lines = (folder / "pictures.csv").read_text().splitlines()
    for part, mine in (("train", False), ("test", True)):
        (folder / part).mkdir()
        rows = [line for line in lines[1:] if line.startswith("0") is mine]
        for row in rows:
            name = row.split(",")[0]
            (folder / name).rename(folder / part / name)
        (folder / f"{part}.csv").write_text("\n".join([lines[0], *rows]) + "\n")
    (folder / "pictures.csv").unlink()


def test_people_are_found_with_all_their_poses(people: Path) -> None:
    split = index(people, PosedConfig(holdout=1), 0)
    assert len(split.train) == 3 and len(split.holdout) == 1
    everybody = (*split.train, *split.holdout)
    assert {len({item.path.name[0] for item in person}) for person in everybody} == {1}
    for item in (item for person in everybody for item in person):
        points = [float(x) for x in POSES[item.path.stem[1:]].split(",")]
        assert item.points == (tuple(points[:2]), None if points[2] < 0 else tuple(points[2:]))
    assert index(people, PosedConfig(holdout=1), 0) == split


def test_the_people_of_test_are_what_is_held_out(people: Path) -> None:
    divided(people)
    split = index(people, PosedConfig(holdout=5), 0)
    assert len(split.train) == 3 and [{i.path.parent.name for i in person} for person in split.holdout] == [{"test"}]
    assert {item.path.name[0] for person in split.holdout for item in person} == {"0"}


def replaced(name: str, old: str, new: str, count: int = -1) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text((folder / name).read_text().replace(old, new, count))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (replaced("pictures.csv", "0sit.png,who0,sit\n0lie.png,who0,lie\n", ""), "a single picture of who0;"),
        (replaced("keypoints.csv", "lie,4,24,28,24\n", ""), r"has no row for lie, the pose of 0lie\.png"),
        (lambda folder: (folder / "pictures.csv").unlink(), "no CSV whose first column names pictures"),
        (lambda folder: (folder / "keypoints.csv").unlink(), r"cannot read .*keypoints\.csv.*; give --data"),
        (replaced("keypoints.csv", "head_y", "head_z"), "needs columns NAME_x and NAME_y"),
        (replaced("keypoints.csv", "lie,4", "lie,left"), "something else than a number in the row of lie"),
        (replaced("pictures.csv", "character", "who"), "no column 'character'; it has file, who, pose"),
        (replaced("pictures.csv", "pose", "stance"), "no column 'pose'"),
        (replaced("pictures.csv", "0sit.png", "9sit.png"), r"names 1 pictures that are not under .*: 9sit\.png"),
        (replaced("pictures.csv", "who3,sit", ",sit"), "has 1 rows without a character"),
        (lambda folder: (folder / "2sit.png").write_bytes(b"hello"), r"2sit\.png is not a picture"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said_in_one_line(
    spoil: Callable[[Path], object], message: str, people: Path
) -> None:
    spoil(people)
    with pytest.raises(TrainingError, match=message) as caught:
        index(people, PosedConfig(holdout=1), 0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("row", "said"), [("lie,4,24,28,24,1", "line 4, has 6 cells"), ("lie,4,24,28", "line 4, has")])
def test_poses_that_do_not_fit_their_columns_are_named_by_line(row: str, said: str, people: Path) -> None:
    replaced("keypoints.csv", "lie,4,24,28,24", row)(people)
    with pytest.raises(TrainingError, match=rf"keypoints\.csv, {said}"):
        index(people, PosedConfig(holdout=1), 0)


def test_tables_that_pandas_numbered_say_the_same(people: Path) -> None:
    before = index(people, PosedConfig(holdout=1), 0)
    for name in ("pictures.csv", "keypoints.csv"):
        lines = (people / name).read_text().splitlines()
        numbered = [f",{lines[0]}", *(f"{number},{line}" for number, line in enumerate(lines[1:]))]
        (people / name).write_text("\n".join(numbered))
    assert index(people, PosedConfig(holdout=1), 0) == before


def test_bad_pictures_of_people_are_skipped_and_whom_they_leave_alone(people: Path) -> None:
    for name in ("0sit", "0lie", "1sit"):
        (people / f"{name}.png").write_bytes(b"")
    split = index(people, PosedConfig(holdout=1, skip_bad=True), 0)
    everybody = sorted((person[0].path.name[0], len(person)) for person in (*split.train, *split.holdout))
    assert everybody == [("1", 2), ("2", 3), ("3", 3)] and len(split.skipped) == 3


def test_whoever_is_held_out_stays_so_when_a_picture_is_added(people: Path) -> None:
    before = {person[0].path.name[0] for person in index(people, PosedConfig(holdout=2), 0).holdout}
    with (people / "pictures.csv").open("a") as file:
        for person in range(PEOPLE):
            Image.new("RGB", (40, 40)).save(people / f"{person}aaa.png")
            file.write(f"{person}aaa.png,who{person},sit\n")
    assert {person[0].path.name[0] for person in index(people, PosedConfig(holdout=2), 0).holdout} == before


def test_too_few_people_for_the_holdout(people: Path) -> None:
    with pytest.raises(TrainingError, match="holdout"):
        index(people, PosedConfig(holdout=PEOPLE), 0)


def seen(picture: torch.Tensor) -> tuple[int, ...]:
    """The colour of a picture of one."""
    assert picture.flatten(1).std(dim=1).max() < 1e-6
    return tuple((picture[:, 0, 0] * 255).round().int().tolist())


def test_a_pair_is_somebody_in_two_poses(people: Path) -> None:
    pairs = PosedPairs(index(people, PosedConfig(holdout=1), 0).train, CONFIG, seed=3)
    known = {colour(person, number): (person, number) for person in range(PEOPLE) for number in range(3)}
    ordered = set()
    for n in range(60):
        source, target, joints, where = pairs[n]
        (who, one), (whose, other) = (known[seen(picture)] for picture in (source, target))
        assert who == whose and one != other
        ordered.add((who, one, other))
        x = [float(value) for value in list(POSES.values())[other].split(",")]
        points = ((x[0], x[1]), None if x[2] < 0 else (x[2], x[3]))
        assert np.array_equal(joints.numpy(), poses.maps(points, (40, 40), 32))
        assert np.array_equal(where.numpy()[0], body(points, (40, 40), 32))
    assert len(ordered) > 12  # of 3 people and 6 pairs of each


def test_every_person_comes_once_an_epoch(people: Path) -> None:
    pairs = PosedPairs(index(people, PosedConfig(holdout=1), 0).train, CONFIG, seed=3)
    assert len(pairs) == 3
    for epoch in range(3):
        assert len({seen(pairs[3 * epoch + place][0])[0] for place in range(3)}) == 3


def test_a_pair_is_a_function_of_the_seed_and_its_number(people: Path) -> None:
    people_ = index(people, PosedConfig(holdout=1), 0).train
    a, b = (PosedPairs(people_, CONFIG, seed=3) for _ in range(2))
    b[0], b[17]  # history must not matter
    assert all(torch.equal(x, y) for n in (5, 100) for x, y in zip(a[n], b[n], strict=True))
    other = PosedPairs(people_, CONFIG, seed=4)
    assert any(not torch.equal(a[n][1], other[n][1]) for n in range(6))
    assert any(not torch.equal(a[n][1], a[n + 3][1]) for n in range(6))


def test_the_points_are_those_of_the_target() -> None:
    source, target = np.zeros((20, 30, 3), np.uint8), np.full((50, 100, 3), 255, np.uint8)
    ours, theirs, joints, where = posed_pair(source, target, [(50, 25), None], 16)
    assert ours.shape == theirs.shape == (3, 16, 16) and ours.max() == 0 and theirs.min() == 1
    assert joints.shape == (2, 16, 16) and where.shape == (1, 16, 16) and joints.dtype == torch.float32
    assert divmod(int(joints[0].argmax()), 16) == (8, 8) and not joints[1].any()
