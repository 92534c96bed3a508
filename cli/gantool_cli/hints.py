"""What people may have meant who call things by other names."""

import os
import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

_VERBS = {
    "upscale": ("enlarge", "resize", "scale", "zoom", "superres", "super-resolution", "sr", "x2", "x4"),
    "restore": ("denoise", "repair", "clean", "deblur", "dejpeg", "enhance", "fix", "sharpen"),
    "colorize": ("colour", "color", "colorise", "colourise", "colourize"),
    "inpaint": ("fill", "erase", "remove", "heal"),
    "translate": ("convert", "transform", "pix2pix", "cyclegan", "derain"),
    "stylize": ("style", "stylise", "paint"),
    "generate": ("sample", "make", "create", "draw"),
    "models list": ("list", "ls", "model"),
    "models info": ("info", "show", "describe"),
    "doctor": ("check", "devices", "env"),
    "--help": ("help", "usage", "?"),
    "--version": ("version",),
}
"""What others call each verb."""

_OPTIONS = {
    "use --device, such as --device cuda": ("--gpu", "--cuda", "--gpu-id", "--gpu_id", "--provider", "--backend"),
    "use --device cpu": ("--cpu", "--no-gpu"),
    "pictures are named without an option, as in `gantool upscale photo.jpg`": ("-i", "--input", "--image", "--in"),
    "folders are gone through as they are, without an option": ("-r", "-R", "--recursive"),
    "use -o": ("--out", "--output-dir", "--outdir", "--output_path", "--dest"),
    "use -m, such as -m upscale-x4-fidelity": ("-n", "--model-name", "--model_name", "--net"),
    "use -s": ("-x", "--factor", "--outscale", "--upscale", "--ratio"),
    "use --overwrite": ("--force", "-y", "--yes", "--clobber"),
    "use --tile": ("-t", "--tilesize", "--tile-size", "--tile_size", "--tile-process"),
    "use --precision": ("--fp16", "--fp32", "--half"),
    "--debug stands before the verb, as in `gantool --debug upscale photo.jpg`": ("--debug", "-v", "--verbose"),
    "it stands before the verb, as in `gantool --version`": ("--version", "-V"),
}
"""What to say of options that others have."""


def verb(word: str, verbs: Sequence[str]) -> str:
    """What to say of a word where a verb belongs."""
    from gantool.library import WEIGHTS

    if said := address(word, "upscale"):
        return said
    if Path(word).suffix.lower() in WEIGHTS:
        return f"{word} holds weights alone; models are .onnx files, which `gantool export` makes of a training run"
    if os.path.exists(word) or Path(word).suffix:
        return f"say what to do with it, as in `gantool upscale {shlex.quote(word)}`"
    meant = next((name for name, others in _VERBS.items() if word.lower() in others), None)
    for near in [meant] if meant else get_close_matches(word.lower(), verbs, n=1):
        return f"there is no verb '{word}' (did you mean `gantool {near}`?)"
    return f"there is no verb '{word}'; there are: {', '.join(verbs)}"


def option(name: str, near: Sequence[str] | None) -> str:
    """What to say of an option that a verb does not have; ``near`` are those that look like it."""
    for said, others in _OPTIONS.items():
        if name in others:
            return f"there is no option {name}; {said}"
    if near:
        return f"there is no option {name} (did you mean {near[0]}?)"
    return f"there is no option {name}" + ("" if name.startswith("--") else f"; a file of that name is ./{name}...")


def address(text: str, verb: str) -> str | None:
    """What to say of an address where a picture belongs; nothing of anything else."""
    from gantool.values import is_address

    if not is_address(text):
        return None
    if not text.startswith(("http:", "https:")):
        return f"{text} is read by many machines alone; add --ray local, or --ray auto on a cluster"
    return f"addresses are not fetched; curl -s {shlex.quote(text)} | gantool {verb} - -o a.png"
