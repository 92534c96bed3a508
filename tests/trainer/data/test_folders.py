import shutil
from pathlib import Path

import pytest
from PIL import Image

from gantool_trainer.data import folders
from gantool_trainer.data.folders import Pair, labelled, names_of, paired, plain, unpaired
from gantool_trainer.errors import DataError, TrainingError


def test_split_is_disjoint_complete_and_fixed_by_the_seed(photos: Path) -> None:
    split = plain(photos, 2, 5)
    assert len(split.holdout) == 2 and len(split.train) == 6
    assert not set(split.train) & set(split.holdout)
    assert plain(photos, 2, 5) == split


def test_bad_folders_are_named_in_one_message(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not a folder"):
        plain(tmp_path / "nowhere", 2, 0)
    with pytest.raises(TrainingError, match="no pictures"):
        plain(tmp_path, 2, 0, least=32)
    (tmp_path / "text.jpg").write_text("hello")
    Image.new("RGB", (20, 40)).save(tmp_path / "small.png")
    shutil.copy(photos / "dog.jpg", tmp_path)
    with pytest.raises(TrainingError) as caught:
        plain(tmp_path, 2, 0, least=32)
    message = str(caught.value)
    assert "text.jpg is not a picture" in message and "small.png is 20x40" in message and "dog" not in message


def test_too_few_pictures_for_the_holdout(photos: Path, tmp_path: Path) -> None:
    shutil.copy(photos / "dog.jpg", tmp_path)
    with pytest.raises(TrainingError, match="holdout"):
        plain(tmp_path, 2, 0, least=32)


def domains(photos: Path, folder: Path) -> Path:
    """Four pictures in each of trainA and trainB, of two kinds."""
    rows = ["file,scene"]
    for number, path in enumerate(sorted(photos.glob("*.jpg"))):
        target = folder / ("trainA" if number < 4 else "trainB") / path.name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(path, target)
        rows.append(f"{target.relative_to(folder)},{'odd' if number % 2 else 'even'}")
    (folder / "manifest.csv").write_text("\n".join(rows))
    return folder


def test_unpaired_folders_hold_out_some_of_each(photos: Path, tmp_path: Path) -> None:
    found = unpaired(domains(photos, tmp_path), 1, 0)
    assert [len(split.train) for split in (found.a, found.b)] == [3, 3]
    assert {path.parent.name for path in (*found.a.train, *found.a.holdout)} == {"trainA"}
    assert not set(found.b.train) & set(found.b.holdout) and not found.kinds


def test_test_folders_are_what_is_held_out(photos: Path, tmp_path: Path) -> None:
    domains(photos, tmp_path)
    shutil.copytree(tmp_path / "trainB", tmp_path / "testB")
    found = unpaired(tmp_path, 2, 0)
    assert len(found.b.train) == 4 and {path.parent.name for path in found.b.holdout} == {"testB"}
    assert len(found.b.holdout) == 2 and len(found.a.train) == 2


def test_kinds_come_from_the_manifest(photos: Path, tmp_path: Path) -> None:
    found = unpaired(domains(photos, tmp_path), 1, 0, kinds="scene")
    assert set(found.kinds) == {*found.a.train, *found.b.train} and set(found.kinds.values()) == {"odd", "even"}


def test_bad_unpaired_folders_say_what_is_missing(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no folder trainA"):
        unpaired(photos, 1, 0)
    domains(photos, tmp_path)
    with pytest.raises(TrainingError, match="no columns 'file' and 'weather'"):
        unpaired(tmp_path, 1, 0, kinds="weather")
    text = (tmp_path / "manifest.csv").read_text()
    (tmp_path / "manifest.csv").write_text(text.replace("odd", "harbour", 2))
    with pytest.raises(TrainingError, match=r"harbour.* in one of trainA and trainB alone"):
        unpaired(tmp_path, 1, 0, kinds="scene")
    (tmp_path / "manifest.csv").write_text(text.replace("trainA", "elsewhere"))
    with pytest.raises(TrainingError, match="gives no scene for trainA"):
        unpaired(tmp_path, 1, 0, kinds="scene")
    (tmp_path / "manifest.csv").unlink()
    with pytest.raises(TrainingError, match=r"needs .*manifest\.csv"):
        unpaired(tmp_path, 1, 0, kinds="scene")


def put(photos: Path, *targets: Path) -> None:
    for number, target in enumerate(targets):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(sorted(photos.glob("*.jpg"))[number % 8], target)


@pytest.mark.parametrize("layout", ["{part}/{name}/{file}", "{name}/{part}/{file}"])
def test_pairs_in_two_folders(layout: str, photos: Path, tmp_path: Path) -> None:
    for part, files in (("train", "123"), ("test", "45")):
        for name in ("label", "photo"):
            put(photos, *(tmp_path / layout.format(part=part, name=name, file=f"{file}.jpg") for file in files))
    found = paired(tmp_path, ("label", "photo"), 1, 0)
    assert len(found.train) == 3 and len(found.holdout) == 1
    for pair in (*found.train, *found.holdout):
        assert pair.b is not None and pair.a.name == pair.b.name and "label" in str(pair.a) and "photo" in str(pair.b)


def test_pairs_side_by_side_and_without_a_test_part(photos: Path, tmp_path: Path) -> None:
    put(photos, *(tmp_path / f"{number}.jpg" for number in range(4)))
    found = paired(tmp_path, ("A", "B"), 1, 0)
    assert [len(found.train), len(found.holdout)] == [3, 1] and all(pair.b is None for pair in found.train)
    put(photos, tmp_path / "parts" / "train" / "1.jpg", tmp_path / "parts" / "val" / "2.jpg")
    assert paired(tmp_path / "parts", ("A", "B"), 1, 0).holdout == (Pair(tmp_path / "parts" / "val" / "2.jpg", None),)


def test_bad_pairs_are_named(photos: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no folders A and B"):
        paired(tmp_path, ("A", "B"), 1, 0)
    put(photos, *(tmp_path / name for name in ("A/1.jpg", "A/2.jpg", "B/1.jpg")))
    with pytest.raises(TrainingError, match=r"1 pictures are in one of .* alone: 2"):
        paired(tmp_path, ("A", "B"), 1, 0)
    (tmp_path / "B" / "2.png").write_text("no picture")
    with pytest.raises(TrainingError, match=r"B/2\.png is not a picture"):
        paired(tmp_path, ("A", "B"), 1, 0)


def test_labels_by_folder_and_by_table(photos: Path, tmp_path: Path) -> None:
    put(photos, *(tmp_path / "folders" / name for name in ("cat/1.jpg", "cat/2.jpg", "dog/1.jpg", "dog/2.jpg")))
    names = names_of(tmp_path / "folders", "")
    found = labelled(tmp_path / "folders", "", names, 1, 0)
    assert names == ("cat", "dog") and len(found.train) == 3
    assert all(item.path.parent.name == names[item.label] for item in (*found.train, *found.holdout))
    table = tmp_path / "table"
    put(photos, *(table / name for name in ("train/x.jpg", "train/y.jpg", "test/z.jpg")))
    (table / "train.csv").write_text("\ufefffile,hair,eyes\nx.jpg,red,blue\ny.jpg,black,blue\n", encoding="utf-8")
    (table / "test.csv").write_text("file,hair,eyes\nz,red,blue\n")
    assert names_of(table, "hair") == ("black", "red")
    found = labelled(table, "hair", ("red", "black"), 3, 0)
    assert [item.label for item in found.train] == [0, 1]
    assert [(item.path.name, item.label) for item in found.holdout] == [("z.jpg", 0)]


def test_bad_labels_are_named(photos: Path, tmp_path: Path) -> None:
    put(photos, tmp_path / "cat" / "1.jpg", tmp_path / "cat" / "2.jpg")
    with pytest.raises(TrainingError, match="fewer than two labels"):
        names_of(tmp_path, "")
    with pytest.raises(TrainingError, match="no pictures of dog to train on"):
        labelled(tmp_path, "", ("cat", "dog"), 1, 0)
    put(photos, *(tmp_path / "parts" / part / "1.jpg" for part in ("train", "test")))
    with pytest.raises(TrainingError, match="fewer than two labels"):
        names_of(tmp_path / "parts", "")
    shutil.rmtree(tmp_path / "parts")
    for text, said in {
        "file,kind\n1.jpg,cat\nlost.jpg,dog\n": r"names 1 pictures that are not under .*: lost",
        "file,kind\n1.jpg,cat\n2.jpg\n": "1 rows without a kind: 2.jpg",
        "file,colour\n1.jpg,cat\n": "no column 'kind'; it has file, colour",
    }.items():
        (tmp_path / "all.csv").write_text(text)
        with pytest.raises(TrainingError, match=said):
            names_of(tmp_path, "kind")
    put(photos, tmp_path / "dog" / "1.jpg")
    with pytest.raises(TrainingError, match=r"all pictures of dog in .* are held out"):
        labelled(tmp_path, "", ("cat", "dog"), 2, 1)
    (tmp_path / "all.csv").write_text("file,kind\n1.jpg,cat\n")
    with pytest.raises(TrainingError, match=r"names 1\.jpg: say which"):
        names_of(tmp_path, "kind")


def test_labels_are_spelt_in_one_way(photos: Path, tmp_path: Path) -> None:
    put(photos, *(tmp_path / name for name in ("Cat/1.jpg", "cat/2.jpg", "dog/3.jpg")))
    with pytest.raises(TrainingError, match="Cat and cat, which differ in case"):
        names_of(tmp_path, "")


def test_folders_of_other_names_are_not_taken_for_halves(photos: Path, tmp_path: Path) -> None:
    put(photos, *(tmp_path / name for name in ("input/1.jpg", "target/1.jpg")))
    with pytest.raises(TrainingError, match=r"folders input, target: name two of them with data\.names"):
        paired(tmp_path, ("A", "B"), 1, 0)
    assert len(paired(tmp_path, ("input", "target"), 0, 0).train) == 1


@pytest.fixture
def described(tmp_path: Path) -> Path:
    rows = ["file,hair,eyes,caption"]
    for i in range(6):
        Image.new("RGB", (16, 16)).save(tmp_path / f"{i}.png")
        rows.append(f'{i}.png,{"red" if i % 2 else "blue"},{"green" if i < 3 else "gray"},"number {i}, a face"')
    (tmp_path / "faces.csv").write_text("\n".join(rows))
    return tmp_path


def test_tags_of_several_columns(described: Path) -> None:
    split = folders.tagged(described, ("hair", "eyes"), (("blue", "red"), ("gray", "green")), 1, 0)
    assert len(split.train) == 5 and len(split.holdout) == 1
    assert all(item.labels == (int(item.path.stem) % 2, int(int(item.path.stem) < 3)) for item in split.train)
    with pytest.raises(TrainingError, match=r"labels green, which model\.tags leave out"):
        folders.tagged(described, ("hair", "eyes"), (("blue", "red"), ("gray",)), 1, 0)


def test_captions(described: Path) -> None:
    split = folders.captioned(described, ("caption", "hair"), 1, 0)
    assert all(item.texts[0] == f"number {item.path.stem}, a face" for item in split.train)


@pytest.mark.parametrize(
    ("columns", "message"),
    [((), "say with data.columns"), (("text",), "no column 'text'; it has file, hair, eyes, caption")],
)
def test_columns_that_are_not_there(columns: tuple[str, ...], message: str, described: Path) -> None:
    with pytest.raises(TrainingError, match=message):
        folders.captioned(described, columns, 1, 0)


def test_descriptions_need_a_csv(described: Path) -> None:
    (described / "faces.csv").unlink()
    with pytest.raises(TrainingError, match="has no CSV"):
        folders.captioned(described, ("caption",), 1, 0)


def test_described_pictures_are_checked(described: Path) -> None:
    (described / "2.png").write_bytes(b"no picture")
    for scan in (folders.captioned, folders.tagged):
        words = (("caption",),) if scan is folders.captioned else (("hair",), (("blue", "red"),))
        with pytest.raises(TrainingError, match=r"2\.png is not a picture"):
            scan(described, *words, 1, 0)


def test_a_label_of_another_group_is_none_of_this_one(described: Path) -> None:
    with pytest.raises(TrainingError, match=r"labels red, which model\.tags"):
        folders.tagged(described, ("hair", "eyes"), (("blue",), ("gray", "green", "red")), 1, 0)


def some(folder: Path, count: int, prefix: str = "") -> Path:
    """Small pictures named by numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        Image.new("RGB", (16, 16), (number, 0, 0)).save(folder / f"{prefix}{number}.png")
    return folder


def test_pictures_that_are_added_change_places_with_none(tmp_path: Path) -> None:
    some(tmp_path, 12)
    before = plain(tmp_path, 4, 0)
    for number in range(40):
        Image.new("RGB", (16, 16)).save(tmp_path / f"{number}-new.png")
        after = plain(tmp_path, 4, 0)
        assert not set(before.train) & set(after.holdout)
        assert len(set(before.holdout) - set(after.holdout)) <= 1
        before = after
    assert any("new" in path.name for path in before.holdout) and plain(tmp_path, 4, 1) != before


def test_the_same_names_are_held_out_wherever_the_folder_is(tmp_path: Path) -> None:
    first, second = (plain(some(tmp_path / name, 9), 3, 0) for name in ("here", "there"))
    assert [path.name for path in first.holdout] == [path.name for path in second.holdout]


def test_all_texts_of_a_picture_are_on_one_side(tmp_path: Path) -> None:
    some(tmp_path, 6)
    lines = [f"{number}.png,text {text} of {number}" for text in range(3) for number in range(6)]
    (tmp_path / "texts.csv").write_text("\n".join(["file,caption", *lines]))
    split = folders.captioned(tmp_path, ("caption",), 2, 0)
    assert len(split.train) == 12 and len({item.path for item in split.holdout}) == 2
    assert not {item.path for item in split.train} & {item.path for item in split.holdout}
    assert len(folders.texts_of(tmp_path, ("caption",))) == 18


def test_every_bad_picture_is_told_and_may_be_skipped(tmp_path: Path) -> None:
    some(tmp_path, 4)
    for number in range(7):
        (tmp_path / f"bad{number}.jpg").write_bytes(b"")
    Image.new("RGB", (3000, 2)).save(tmp_path / "thin.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(DataError, match=r"9 of 13 pictures cannot be used.*bad4.*and 4 more") as caught:
        plain(tmp_path, 1, 0)
    problems = caught.value.problems
    assert len(problems) == 9 and all(str(tmp_path) in problem for problem in problems)
    assert any("thin.png is 3000x2" in problem for problem in problems)
    split = plain(tmp_path, 1, 0, skip_bad=True)
    assert split.skipped == problems and len(split.train) == 3
    listed = folders.list_bad(split.skipped, tmp_path / "run")
    assert listed.read_text().splitlines() == [*problems]
    folders.list_bad((), tmp_path / "run")
    assert not listed.exists()


def test_bad_pictures_of_both_domains_are_told(tmp_path: Path) -> None:
    for name in ("trainA", "trainB"):
        some(tmp_path / name, 3)
        (tmp_path / name / "bad.png").touch()
    with pytest.raises(DataError, match=r"trainA/bad\.png .*trainB/bad\.png"):
        unpaired(tmp_path, 1, 0)
    found = unpaired(tmp_path, 1, 0, skip_bad=True)
    assert len(found.skipped) == 2 and len(found.a.train) == len(found.b.train) == 2


def test_a_pair_is_skipped_as_a_whole(tmp_path: Path) -> None:
    for name in ("A", "B"):
        some(tmp_path / name, 4)
    (tmp_path / "B" / "0.png").write_bytes(b"")
    split = paired(tmp_path, ("A", "B"), 1, 0, skip_bad=True)
    assert sorted(pair.a.name for pair in (*split.train, *split.holdout)) == ["1.png", "2.png", "3.png"]


def test_labels_are_what_people_made(tmp_path: Path) -> None:
    for name in ("folder/cat", "elsewhere/dog", "folder/.ipynb_checkpoints", "folder/@eaDir"):
        some(tmp_path / name, 2)
    folder = tmp_path / "folder"
    (folder / "dog").symlink_to(tmp_path / "elsewhere" / "dog")
    assert names_of(folder, "") == ("cat", "dog")
    assert len(labelled(folder, "", ("cat", "dog"), 1, 0).train) == 3
    (folder / "fox").symlink_to(tmp_path / "gone")
    assert "fox" in names_of(folder, "")
    with pytest.raises(DataError, match="fox is a link that leads nowhere"):
        labelled(folder, "", ("cat", "dog", "fox"), 1, 0)
    (folder / "fox").unlink()
    (folder / "fox").mkdir()
    with pytest.raises(TrainingError, match="folders without a picture: fox"):
        names_of(folder, "")


def test_of_several_tables_the_one_that_says_it_is_read(described: Path) -> None:
    (described / "also.csv").write_text("file,size\n0.png,1\n")
    (described / "._faces.csv").write_bytes(b"\xff\xfe")
    assert names_of(described, "hair") == ("blue", "red")
    (described / "also.csv").write_text("file,hair\n0.png,green\n")
    with pytest.raises(TrainingError, match=r"also\.csv and faces\.csv, which both have the column hair"):
        names_of(described, "hair")


def test_a_manifest_is_read_as_other_tables_are(photos: Path, tmp_path: Path) -> None:
    domains(photos, tmp_path)
    manifest = tmp_path / "manifest.csv"
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join([lines[0], *(".\\" + line.replace("/", "\\") + " " for line in lines[1:])]))
    assert set(unpaired(tmp_path, 1, 0, kinds="scene").kinds.values()) == {"odd", "even"}
    manifest.write_text("\n".join([*lines, lines[1].replace("even", "odd")]))
    with pytest.raises(TrainingError, match=r"manifest\.csv, line 10, gives .* another scene"):
        unpaired(tmp_path, 1, 0, kinds="scene")


def test_a_picture_of_one_pixel_is_none_of_two_halves(tmp_path: Path) -> None:
    some(tmp_path, 3)
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    assert len(plain(tmp_path, 1, 0).train) == 3
    with pytest.raises(DataError, match=r"dot\.png is 1x1, smaller than 2 pixels"):
        paired(tmp_path, ("A", "B"), 1, 0)
