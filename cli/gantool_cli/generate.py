"""`gantool generate`."""

import io
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gantool_cli.options import AsJson, Device, ModelName, Overwrite, Quiet, Threads

if TYPE_CHECKING:
    from gantool import Model, ModelCard, Wishes
    from gantool.conditions import Shot
    from gantool.pictures import Picture

    Plan = dict[Path, list[list[Shot]]]
    Done = tuple[Path, tuple[int, int]]

_MOST = 100_000
_LARGEST_SHEET = 100_000_000  # pixels
_FRAME = 1 / 12  # seconds
_DIGITS, _LONGEST = 4, 40  # of file names
_PIPE = Path("-")


def generate(
    model: ModelName = None,
    count: Annotated[
        int | None,
        typer.Option("-n", "--count", min=1, max=_MOST, help="How many pictures; of each class, if named (1)."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=2**32 - 1, help="Of the noise: the same seed, the same pictures (0)."),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", help="File for one picture, folder for several, - for stdout. Default: here."),
    ] = None,
    grid: Annotated[bool, typer.Option("--grid", help="All on one sheet.")] = False,
    classes: Annotated[str | None, typer.Option("--class", help="Classes of the model: 8, or 8,0.")] = None,
    tags: Annotated[str | None, typer.Option(help='Tags of the model: "blonde hair, blue eyes".')] = None,
    text: Annotated[str | None, typer.Option(help="What to draw, in words.")] = None,
    code: Annotated[str | None, typer.Option(metavar="NAME=VALUE,...", help="Codes: c1=0.5,c2=-1.")] = None,
    traverse: Annotated[
        str | None, typer.Option(metavar="CODE", help="A sheet along this code, from -2 to 2; a row for each class.")
    ] = None,
    interpolate: Annotated[
        tuple[int, int] | None, typer.Option(metavar="SEED1 SEED2", help="An animation from one seed to another.")
    ] = None,
    frames: Annotated[int | None, typer.Option(min=2, max=1000, help="Pictures in the animation (24).")] = None,
    truncate: Annotated[
        float | None, typer.Option(help="Largest noise, such as 1: fewer odd pictures, less variety.")
    ] = None,
    stage: Annotated[int | None, typer.Option(min=1, help="Of a model with stages, the one to show.")] = None,
    device: Device = "auto",
    threads: Threads = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make pictures of nothing but noise, classes, codes or words.

    \b
    gantool generate --model dcgan-faces -n 64 --seed 1 --grid -o sheet.png
    gantool generate --model anime-faces --tags "blonde hair" -n 16 -o blonde/
    gantool generate --model dcgan-faces --interpolate 1 2 -o walk.gif
    gantool generate --model infogan-mnist --traverse c1
    """
    import gantool
    from gantool import library
    from gantool.conditions import feeds, traversal
    from gantool_cli.loading import load

    if model is None:
        known = ", ".join([*library.for_task("generate"), "the path of an .onnx file"])
        raise typer.BadParameter(f"name a model with --model: {known}")
    wanted = [tags] if classes is None else [name.strip() for name in classes.split(",")]
    one = traverse is not None or interpolate is not None
    pipe = output == "-"
    refused = {
        "give --class or --tags: they are two names for one thing": classes is not None and tags is not None,
        "give one of --grid, --traverse and --interpolate": grid + (traverse is not None) + (interpolate is not None)
        > 1,
        "leave out --seed: --interpolate names two of its own": interpolate is not None and seed is not None,
        "leave out --frames: they belong to --interpolate": interpolate is None and frames is not None,
        "leave out -n: it is for separate pictures": one and count is not None,
        "name one class: --traverse and --interpolate show no more": one and len(wanted) > 1,
        "leave out --json, or name a file with -o: both cannot go to standard output": pipe and as_json,
        "leave out -o -, or pipe it on: a picture is not shown on a terminal": pipe and sys.stdout.isatty(),
        "leave out -o -: an animation goes to a file": pipe and interpolate is not None,
    }
    for what, wrong in refused.items():
        if wrong:
            raise typer.BadParameter(what)

    loaded = load(model, "generate", device, threads)
    card = loaded.card
    shared: gantool.Wishes = {"codes": _codes(code), "text": text, "truncate": truncate, "stage": stage}
    wishes: list[gantool.Wishes] = [{**shared, "label": label} for label in wanted]
    for wish in wishes:
        feeds(card, seed or 0, 0, wish)  # now, and not when half of the pictures are written
    if text is not None and not quiet:
        _tell_passed_over(card, text)

    def stem(label: str | None, *seeds: int) -> str:
        asked = (label, text and text[:_LONGEST], code, truncate and f"truncate{truncate:g}", stage and f"stage{stage}")
        return "-".join([card.name, *(_plain(part) for part in asked if part), f"seed{'-'.join(map(str, seeds))}"])

    together = "-".join(name for name in wanted if name)
    if interpolate is not None:
        target = _one(output, f"{stem(together, *interpolate)}.gif")
        done = [_animate(loaded, interpolate, frames or 24, wishes[0], target, overwrite=overwrite, quiet=quiet)]
        _report(done, quiet=quiet, as_json=as_json)
        return
    if traverse is not None:
        target = _one(output, f"{stem(together, seed or 0)}-{_plain(traverse)}.png")
        plan = {target: traversal(card, traverse, wishes[0])}
    elif grid or (count or 1) * len(wishes) == 1:
        plan = {_one(output, f"{stem(together, seed or 0)}.png"): _rows(card, wishes, count or 1)}
    else:
        stems = [stem(label, seed or 0) for label in wanted]
        plan = _apart(output, list(zip(stems, wishes, strict=True)), count or 1)
    done = _draw(loaded, plan, seed or 0, stage, overwrite=overwrite, quiet=quiet)
    _report(done, quiet=quiet, as_json=as_json)


def _animate(
    model: "Model", seeds: tuple[int, int], frames: int, wish: "Wishes", target: Path, *, overwrite: bool, quiet: bool
) -> "Done":
    from gantool import files, storage
    from gantool.conditions import walk

    files.animation_format(target)
    storage.check_free(target, overwrite=overwrite)
    stage = wish.get("stage")
    _check_sheet(model.card, stage, frames)
    with _bar(frames, quiet) as advance:
        shown = [advance(model.made_of(inputs, stage)) for inputs in walk(model.card, seeds, frames, wish)]
    files.save_animation(shown, target, _FRAME, overwrite=overwrite)
    return target, shown[0].size


def _draw(model: "Model", plan: "Plan", seed: int, stage: int | None, *, overwrite: bool, quiet: bool) -> "list[Done]":
    """Write the files of the plan, after all of them were looked at."""
    from gantool import files, storage
    from gantool.conditions import feeds, size
    from gantool.pictures import sheet

    height, width = size(model.card, stage)
    for target, rows in plan.items():
        _check_sheet(model.card, stage, len(rows) * len(rows[0]))
        if target != _PIPE:
            storage.check_free(target, overwrite=overwrite)
            files.check_fits((width * len(rows[0]), height * len(rows)), files.target_format(target), transparent=False)
    done = []
    with _bar(sum(len(row) for rows in plan.values() for row in rows), quiet) as advance:
        for target, rows in plan.items():
            inputs = [[feeds(model.card, seed, *shot) for shot in row] for row in rows]
            page = sheet([[advance(model.made_of(one, stage)) for one in row] for row in inputs])
            if target == _PIPE:
                sys.stdout.buffer.write(_encoded(page))
                sys.stdout.buffer.flush()
            else:
                files.save(page, files.Metadata("PNG"), target, overwrite=overwrite)
            done.append((target, page.size))
    return done


def _rows(card: "ModelCard", wishes: "list[Wishes]", count: int) -> "list[list[Shot]]":
    """All pictures on one sheet: a row for each class, or as square as can be."""
    columns = count if len(wishes) > 1 else math.ceil(math.sqrt(count))
    _check_sheet(card, wishes[0].get("stage"), count * len(wishes))
    shots = [[(i, wish) for i in range(count)] for wish in wishes]
    return [row[i : i + columns] for row in shots for i in range(0, count, columns)]


def _tell_passed_over(card: "ModelCard", text: str) -> None:
    from gantool.conditions import passed_over

    found = passed_over(card, text)
    if found.unknown:
        print(f"gantool: passed over what {card.name} does not know: {', '.join(found.unknown)}", file=sys.stderr)
    if found.surplus:
        print(f"gantool: passed over what is too much for {card.name}: {' '.join(found.surplus)}", file=sys.stderr)


def _codes(text: str | None) -> dict[str, float]:
    """c1=0.5,c2=-1 as a mapping."""
    codes = {}
    for part in [] if text is None else text.split(","):
        name, _, value = part.partition("=")
        try:
            codes[name.strip()] = float(value)
        except ValueError:
            raise typer.BadParameter(f"--code takes NAME=NUMBER such as c1=0.5,c2=-1, not '{part}'") from None
    return codes


def _one(output: str | None, name: str) -> Path:
    """The one file that is written: ``output``, or a name of our own, here or in the folder that it is."""
    if output is None or output == "-":
        return Path(output or name)
    return Path(output) / name if output.endswith(("/", os.sep)) or Path(output).is_dir() else Path(output)


def _apart(output: str | None, wishes: "list[tuple[str, Wishes]]", count: int) -> "Plan":
    """A file for each picture, in the folder ``output``, under the name that goes with its wishes."""
    from gantool import ImageError
    from gantool.files import FORMATS
    from gantool_cli.jobs import UNSUPPORTED

    folder = Path(output or ".")
    taken = FORMATS.keys() | UNSUPPORTED
    if output == "-" or folder.suffix.lower() in taken or (folder.exists() and not folder.is_dir()):
        raise ImageError(f"several pictures need a folder, which {folder} is not; name one with -o, or add --grid")
    plan: Plan = {
        folder / f"{stem}-{i + 1:0{_DIGITS}}.png": [[(i, wish)]] for stem, wish in wishes for i in range(count)
    }
    if len(plan) < count * len(wishes):
        raise ImageError("two of these classes would have the same file names; ask for them one at a time")
    return plan


def _check_sheet(card: "ModelCard", stage: int | None, pictures: int) -> None:
    from gantool import ImageError
    from gantool.conditions import size

    height, width = size(card, stage)
    if pictures * height * width > _LARGEST_SHEET:
        raise ImageError(
            f"{pictures} pictures of {width}x{height} on a sheet or in an animation are too many; ask for fewer, or "
            "leave out --grid for a file each"
        )


def _plain(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def _encoded(page: "Picture") -> bytes:
    from gantool import files

    buffer = io.BytesIO()
    files.write(page, files.Metadata("PNG"), "PNG", buffer)
    return buffer.getvalue()


def _report(done: "list[Done]", *, quiet: bool, as_json: bool) -> None:
    if as_json:
        print(json.dumps([{"output": str(path), "width": w, "height": h} for path, (w, h) in done], indent=2))
        return
    for path, (width, height) in [] if quiet else done:
        print(f"{path}  {width}x{height}", file=sys.stderr if path == _PIPE else sys.stdout)


@contextmanager
def _bar(total: int, quiet: bool) -> "Iterator[Callable[[Picture], Picture]]":
    """A function that passes on each picture, and moves a bar on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True, disable=quiet or not sys.stderr.isatty()) as progress:
        task = progress.add_task("pictures", total=total)

        def advance(picture: "Picture") -> "Picture":
            progress.advance(task)
            return picture

        yield advance
