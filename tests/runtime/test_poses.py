"""Poses: read from JSON and from a set's tables, and turned into maps."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gantool.poses import Point, Pose, PoseError, keypoints, like, maps, points_of, read
from gantool_trainer.data.described import rows

GOOD: dict[str, Any] = {"size": [64, 48.5], "joints": {"head": [31.5, 26], "foot": None}}
TABLE = "pose,head_x,head_y,foot_x,foot_y\nstand,30,12.5,31,60\nsit,32,20,-1,-1\n"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "pose.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def refused(message: str, call: Any, *arguments: Any) -> None:
    with pytest.raises(PoseError) as caught:
        call(*arguments)
    assert message in str(caught.value) and "\n" not in str(caught.value), str(caught.value)


def test_a_pose_is_what_its_file_says(tmp_path: Path) -> None:
    pose = read(written(tmp_path, json.dumps(GOOD)))
    assert pose == Pose((64.0, 48.5), {"head": (31.5, 26.0), "foot": None})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"\xff\xfe", "pose.json is no pose: it is not JSON"),
        (json.dumps(GOOD | {"hat": 1}), "there is no 'hat' in a pose; give {"),
        ("{", "Expecting property name"),
        ("[" + "9" * 5000 + "]", "pose.json"),
        ("[1, 2]", 'give {"size": [width, height], "joints"'),
        ('{"size": [64, 64]}', 'give {"size"'),
        ('{"size": [64, 64], "joints": {}, "name": "me"}', 'give {"size"'),
        ('{"size": [64, 64], "joints": [[1, 2]]}', 'give {"size"'),
        ('{"size": 64, "joints": {}}', '"size" is 64'),
        ('{"size": [64, 32], "joints": {"head": [5, 40]}}', "the joint head is at [5.0, 40.0], outside of the size"),
        ('{"size": [64], "joints": {}}', '"size" is [64]'),
        ('{"size": null, "joints": {}}', '"size" is None'),
        ('{"size": [64, 0], "joints": {}}', '"size" is [64, 0]'),
        ('{"size": [64, -64], "joints": {}}', '"size" is [64, -64]'),
        ('{"size": [64, true], "joints": {}}', '"size" is [64, True]'),
        ('{"size": [64, 64], "joints": {"head": [1, 2], "foot": [1]}}', "joint foot is [1]; give [x, y], or null"),
        ('{"size": [64, 64], "joints": {"head": [1, 2, 3]}}', "joint head is [1, 2, 3]"),
        ('{"size": [64, 64], "joints": {"head": "12"}}', "joint head is '12'"),
        ('{"size": [64, 64], "joints": {"head": ["1", "2"]}}', "joint head is ['1', '2']"),
        ('{"size": [64, 64], "joints": {"head": 0}}', "joint head is 0"),
        ('{"size": [64, 64], "joints": {"head": [NaN, 2]}}', "joint head is [nan, 2]"),
        ('{"size": [64, 64], "joints": {"head": [1, Infinity]}}', "joint head is [1, inf]"),
    ],
)
def test_what_is_no_pose_is_said_in_one_line(text: str | bytes, message: str, tmp_path: Path) -> None:
    path = written(tmp_path, text)
    refused(message, read, path)
    refused(str(path), read, path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    refused("gone.json", read, tmp_path / "gone.json")


def test_a_table_of_poses(tmp_path: Path) -> None:
    (tmp_path / "keypoints.csv").write_text(TABLE)
    found = keypoints(tmp_path / "keypoints.csv")
    assert found.joints == ("head", "foot") and found.keys == ("pose",)
    assert found.rows == {("stand",): ((30.0, 12.5), (31.0, 60.0)), ("sit",): ((32.0, 20.0), None)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "needs columns NAME_x and NAME_y"),
        ("pose,head_x,head_y\n", "needs columns"),
        ("pose,head_x\nstand,1\n", "needs columns"),
        ("head_x,head_y\n1,2\n", "needs columns"),
        ("pose,head,foot\nstand,1,2\n", "needs columns"),
        ("pose,head_x,head_y\nstand,1,2\nsit,1,\n", "row of sit"),
        ("pose,head_x,head_y\nstand,1,2\nsit,1\n", "row of sit"),
        ("pose,head_x,head_y\nstand,1,2\nsit,1,2,3\n", "line 3, has 4 cells"),
        ("pose,head_x,head_y\nstand,1,2\nstand,1,3\n", "line 3, has another pose of stand"),
        ("pose,head_x,head_y\nstand,here,2\n", "row of stand"),
        ("pose,head_x,head_y\nstand,2,nan\n", "row of stand"),
        ("pose,head_x,head_y\nstand,inf,2\n", "row of stand"),
    ],
)
def test_a_table_that_is_none_is_said_in_one_line(text: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "keypoints.csv").write_text(text)
    refused(message, keypoints, tmp_path / "keypoints.csv")
    refused(str(tmp_path / "keypoints.csv"), keypoints, tmp_path / "keypoints.csv")


def a_set(folder: Path, *places: str) -> Path:
    """Pictures of 40x60 at these places; in each part's CSV, the first picture stands and others sit."""
    (folder / "keypoints.csv").write_text(TABLE)
    for place in places:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (40, 60)).save(folder / place)
    for part in {Path(place).parent for place in places}:
        names = [Path(place).name for place in places if Path(place).parent == part]
        rows = [f"{name},{'sit' if number else 'stand'}" for number, name in enumerate(names)]
        (folder / f"{part.name or 'pictures'}.csv").write_text("\n".join(["file,pose", *rows]) + "\n")
    return folder


@pytest.mark.parametrize("place", ["test/b.png", "b.png"])
def test_the_pose_of_a_picture_of_a_set(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_set(tmp_path, str(Path(place).with_name("a.png")), place)
    expected = Pose((40, 60), {"head": (32.0, 20.0), "foot": None})
    assert like(tmp_path / place) == expected
    monkeypatch.chdir((tmp_path / place).parent)
    assert like(Path("b.png")) == expected


def test_each_part_of_a_set_has_pictures_of_its_own(tmp_path: Path) -> None:
    a_set(tmp_path, "test/a.png", "train/b.png", "train/a.png")
    assert like(tmp_path / "test/a.png").joints["foot"] == (31.0, 60.0)
    assert like(tmp_path / "train/a.png").joints["foot"] is None


@pytest.mark.parametrize(("table", "name"), [("test.csv", "a"), ("pictures.csv", "test/a.png")])
def test_a_row_may_name_its_picture_as_in_training(table: str, name: str, tmp_path: Path) -> None:
    a_set(tmp_path, "test/a.png")
    (tmp_path / "test.csv").unlink()
    (tmp_path / table).write_text(f"file,pose\n{name},stand\n")
    root = tmp_path / "test" if table == "test.csv" else tmp_path
    assert rows(tmp_path / table, root, ["pose"]) == [(tmp_path / "test/a.png", ("stand",))]
    assert like(tmp_path / "test/a.png").joints["head"] == (30.0, 12.5)


def test_rows_that_pandas_numbered_are_not_names(tmp_path: Path) -> None:
    root = a_set(tmp_path, "0.png", "1.png")
    (root / "pictures.csv").write_text(",file,pose\n0,1.png,stand\n1,.\\0.png,sit\n")
    assert like(root / "0.png").joints["foot"] is None and like(root / "1.png").joints["foot"] == (31.0, 60.0)


def test_a_pose_that_is_not_known_is_said_in_one_line(tmp_path: Path) -> None:
    root = a_set(tmp_path, "test/a.png", "test/b.png")
    refused("no such file", like, root / "test" / "gone.png")
    (root / "test" / "c.png").write_bytes((root / "test" / "a.png").read_bytes())
    refused("names c.png", like, root / "test" / "c.png")
    (root / "test.csv").write_text("file,pose\na.png,fly\n")
    refused("has no row for fly, the pose of a.png", like, root / "test" / "a.png")
    (root / "keypoints.csv").unlink()
    refused("there is no keypoints.csv beside a.png or one folder above", like, root / "test" / "a.png")


def test_a_row_that_ends_early_is_said_in_one_line(tmp_path: Path) -> None:
    root = a_set(tmp_path, "test/a.png")
    (root / "test.csv").write_text("file,pose\na.png\n")
    refused("a.png", like, root / "test" / "a.png")


def test_joints_come_in_the_models_order() -> None:
    pose = Pose((9, 9), {"head": (1, 2), "foot": None})
    assert points_of(pose, ("foot", "head")) == (None, (1, 2))


@pytest.mark.parametrize(
    ("joints", "message"),
    [
        ({"foot": (1, 2)}, "lacks head"),
        ({}, "lacks head, foot"),
        ({"head": (1, 2), "foot": None, "tail": None}, "a joint tail, which the model does not know"),
        ({"head": None, "foot": None}, "hides every joint; give [x, y] for some of: head, foot"),
    ],
)
def test_a_pose_that_a_model_cannot_take(joints: dict[str, Point], message: str) -> None:
    refused(message, points_of, Pose((9, 9), joints), ("head", "foot"))


@pytest.mark.parametrize("larger", [1, 2, 0.5])
def test_a_map_peaks_where_the_joint_is_whatever_the_pictures_size(larger: float) -> None:
    # The middle of pixel (x, y) of the map, in a picture so many times as large.
    x, y, side = 20, 7, 48
    at = ((x + 0.5) * larger - 0.5, (y + 0.5) * larger - 0.5)
    made = maps([at, None], (side * larger, side * larger), side)
    assert made.shape == (2, side, side) and made.dtype == np.float32
    assert np.unravel_index(made[0].argmax(), made[0].shape) == (y, x) and made[0].max() == pytest.approx(1)
    assert made[0, y, x + 2] == pytest.approx(np.exp(-0.5), rel=1e-3)  # one deviation, side / 24, away
    assert not made[1].any()


def test_each_axis_has_its_own_scale() -> None:
    (made,) = maps([(50, 50)], (100, 200), 64)
    assert np.unravel_index(made.argmax(), made.shape) == (16, 32)
