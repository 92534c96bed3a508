"""`gantool compare`."""

from dataclasses import MISSING, dataclass
from pathlib import Path

import typer

from gantool_cli import console
from gantool_cli.completion import model_names
from gantool_cli.options import Machine, argument, option, overwrite, quiet, verb


@dataclass(frozen=True)
class Order:
    """What is laid over each other, and where it goes."""

    picture: Path = argument(default=MISSING, metavar="PICTURE", help="A file.")
    models: list[str] = option(
        *("-m", "--model"),
        default=MISSING,
        metavar="NAMES",
        help="Models, with commas or -m again.",
        autocompletion=model_names,
    )
    output: Path | None = option("-o", "--output", metavar="FILE", help="The page. Default: PICTURE-compare.html.")
    overwrite: bool = overwrite("a page that exists")
    quiet: bool = quiet()
    machine: Machine = Machine()


@verb
def compare(*, order: Order) -> None:
    """Lay what models make of a picture over each other, in one page with a slider and zoom.

    \b
    gantool compare photo.jpg -m upscale-x4,upscale-x4-fidelity
    # one of your own beside the one that ships
    gantool compare photo.jpg -m upscale-x4 -m mine.onnx -o mine.html
    """
    import gantool
    from gantool import storage

    names = [name.strip() for text in order.models for name in text.split(",") if name.strip()]
    if not names:
        raise typer.BadParameter("name one model or several, as in -m upscale-x4,restore")
    target = order.output or order.picture.with_name(f"{order.picture.stem}-compare.html")
    if target.suffix.lower() not in (".html", ".htm"):
        raise typer.BadParameter(f"the page needs a name that ends in .html, which {target} does not")
    storage.check_free(target, overwrite=order.overwrite)
    with console.pictures(len(names), quiet=order.quiet) as advance:
        machine = order.machine
        models = [gantool.load(name, machine.name, machine.threads, machine.precision) for name in names]
        made = gantool.compare(order.picture, models, watch=advance)
    made.save(target, overwrite=order.overwrite)
    if not order.quiet:
        console.out(console.line(f"{target}  {len(made.layers)} pictures; open it in a browser"))
