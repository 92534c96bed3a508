"""`gantool doctor`: what is installed, what works, and what to do about the rest."""

import platform
from collections.abc import Iterator

import typer

from gantool_cli import console

_PACKAGES = ("gantool", "numpy", "pillow", "imagecodecs", "tifffile", "typer")
_TRAINING = ("torch", "lightning-fabric", "onnx", "onnxscript")
_TRIAL_MODEL = "upscale-x2"


def doctor() -> None:
    """Check versions, devices and models; exit with 1 if something needs mending."""
    from importlib.metadata import PackageNotFoundError, version

    from gantool import devices

    console.out(f"python {platform.python_version()} on {platform.platform()}")
    for package in (*_PACKAGES, *_TRAINING):
        try:
            console.out(f"{package} {version(package)}")
        except PackageNotFoundError:
            who = " (only training and export need it)" if package in _TRAINING else ""
            console.out(f"{package} is not installed{who}")
    problems = list(_runtime())
    if devices.installed_packages():  # without a runtime, every model would be blamed for it
        problems += _models()
    for problem in problems:
        console.err(f"PROBLEM: {problem}")
    console.out("all is well" if not problems else f"{len(problems)} to mend")
    if problems:
        raise typer.Exit(1)


def _runtime() -> Iterator[str]:
    import numpy as np

    from gantool import DeviceError, GantoolError, devices, load

    packages = devices.installed_packages()
    for name, number in packages.items():
        console.out(f"{name} {number}")
    if len(packages) > 1:
        names = " and ".join(packages)
        yield (
            f"{names} are both installed and overwrite each other; keep one: "
            f"`pip uninstall -y {' '.join(packages)}`, then install 'gantool[gpu]' or 'gantool[cpu]' again"
        )
    try:
        found = devices.available()
    except DeviceError as error:
        yield str(error)
        return
    for device in found:
        try:
            load(_TRIAL_MODEL, device=device)(np.zeros((8, 8, 3), np.uint8))
            console.out(f"device {device} works")
        except GantoolError as error:
            yield f"device {device} does not work: {error}"
    try:
        if reason := devices.unused_gpu():
            console.out(reason)
    except GantoolError as error:
        yield str(error)


def _models() -> Iterator[str]:
    from gantool import GantoolError, library, storage

    digests = library.shipped_digests()
    entries = library.entries()
    named = {entry.name for entry in entries}
    others = [library.Entry(name, library.shipped(name), "shipped") for name in sorted(digests.keys() - named)]
    for entry in [*entries, *others]:
        try:
            if entry.name in named:  # the others are variants, or are not there
                library.read_card(entry.path)
            if entry.origin == "shipped" and not entry.path.is_file():
                yield f"model {entry.name} is missing; install gantool again"
            elif entry.origin == "shipped" and digests.get(entry.name) != storage.sha256(entry.path):
                yield f"model {entry.name} is not the file that was shipped; install gantool again"
            else:
                console.out(f"model {entry.name} ({entry.origin}) is whole")
        except (GantoolError, OSError) as error:
            yield f"model {entry.name}: {error}"
