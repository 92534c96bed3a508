"""What `gantool` alone shows: examples first, then the verbs that there are."""

import os
import sys
import textwrap
from pathlib import Path

from gantool.tasks import TASKS
from gantool_cli import console
from gantool_cli.options import cores

_WIDTH = 70
_DRIVER = Path("/proc/driver/nvidia/version")

_SCREEN = """\
gantool {version}: enlarge, repair, colour, fill, translate and paint pictures.
On this machine: {machine}.

  gantool upscale photo.jpg               photo-upscale-x4.jpg, beside it
  gantool upscale holiday/ -o large/      a whole folder, its tree kept
  gantool restore scan.jpg                take out noise and JPEG artefacts
  gantool colorize gray.jpg               colour for a gray photograph
  gantool inpaint photo.jpg --mask m.png  fill what is white in the mask
  gantool translate                       into what pictures can be turned
  gantool generate dcgan-faces -n 16      sixteen faces of nobody
  gantool serve                           all this in a browser, here alone

{verbs}
More      serve chain compare train models export bench doctor

`gantool VERB --help` says more. No picture leaves this machine, and no file is
replaced unless you say --overwrite."""


def show() -> None:
    """Fewer than 24 lines of 80 columns at most."""
    verbs = textwrap.fill(
        " ".join([*TASKS, "augment"]), _WIDTH, initial_indent="Pictures  ", subsequent_indent=" " * len("Pictures  ")
    )
    console.out(_SCREEN.format(version=version(), machine=machine(), verbs=verbs))


def show_version() -> None:
    console.out(f"gantool {version()}")


def version() -> str:
    """Of the package that is installed."""
    import gantool

    return gantool.__version__


def machine() -> str:
    """What models can run on here, told without opening any device: that takes as long as a small picture."""
    count = cores()
    cpu = f"CPU ({count} core{'s' if count != 1 else ''})"
    if not _nvidia():
        return cpu
    return f"NVIDIA GPU, {cpu}" if _for_gpus() else f"{cpu}; pip install 'gantool[gpu]' for its NVIDIA GPU"


def _nvidia() -> bool:
    """Whether the driver of an NVIDIA GPU is there."""
    if sys.platform == "win32":
        return (Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32" / "nvcuda.dll").exists()
    return _DRIVER.exists()


def _for_gpus() -> bool:
    """Whether the ONNX Runtime that is installed is the one for GPUs."""
    from gantool.devices import installed_packages

    return "onnxruntime-gpu" in installed_packages()
