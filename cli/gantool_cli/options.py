"""Options that every verb on pictures has."""

from typing import Annotated

import typer

Inputs = Annotated[list[str] | None, typer.Argument(metavar="PICTURES", help="Files, folders, globs, or - for stdin.")]
Output = Annotated[
    str | None,
    typer.Option("-o", "--output", help="File or folder for the result, - for stdout. Default: beside the input."),
]
ModelName = Annotated[
    str | None, typer.Option("--model", "-m", help="A name of `gantool models list`, or an .onnx file.")
]
Device = Annotated[
    str, typer.Option(help="auto, cpu, cuda, cuda:1, ... A device asked for by name is used or refused.")
]
Tile = Annotated[
    int | None,
    typer.Option(min=32, help="Side of the tiles in pixels; smaller needs less memory. The result is the same."),
]
Threads = Annotated[int, typer.Option(min=0, help="CPU threads; 0 takes all cores.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print what was done as JSON.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Print errors alone.")]
