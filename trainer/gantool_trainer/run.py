"""A run: what lies in its folder, and who may write there. Nobody else knows the names of the files."""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from torch import nn

from gantool.storage import replacing
from gantool_trainer import checkpoint
from gantool_trainer import recipe as recipes
from gantool_trainer.errors import CheckpointError, TrainingError
from gantool_trainer.families import FAMILIES
from gantool_trainer.family import Generator, Networks
from gantool_trainer.recipe import Recipe

_SETTINGS = "recipe.json"
_LOCK = ".lock"


@dataclass(frozen=True)
class Run:
    """A run as it stood when it was opened; weights, figures and samples are read when they are asked for."""

    file: Path
    """The checkpoint that is meant, in the run's folder."""
    recipe: Recipe
    data: Path | None
    """The folder of pictures; None if the run's folder does not say."""
    step: int
    """The last one that was done."""

    @classmethod
    def open(cls, path: Path, overrides: Sequence[str] = ()) -> "Run":
        """A run by its folder, or by one of its checkpoints; no weights are read.

        Args:
            overrides: what is to be changed in its recipe, such as ``train.steps=1000``.

        Raises:
            CheckpointError: there is no whole checkpoint.
            TrainingError: an override does not fit the recipe.
        """
        file = checkpoint.located(path)
        header = checkpoint.read_header(file)
        return cls(file, recipes.parse(header.recipe, overrides), _pictures(file.with_name(_SETTINGS)), header.step)

    @property
    def folder(self) -> Path:
        return self.file.parent

    def snapshot(self, step: int) -> Path:
        """The checkpoint that is kept of this step."""
        return self.folder / f"step-{step:07d}.safetensors"

    def sheet(self, step: int) -> Path:
        """The contact sheet of this step's samples."""
        return self.folder / "samples" / f"{step:07d}.png"

    @property
    def statistics(self) -> Path:
        """The file of `stats`: a line of JSON for each step that was logged."""
        return self.folder / "stats.jsonl"

    @property
    def board(self) -> Path:
        """TensorBoard's folder."""
        return self.folder / "tensorboard"

    def stats(self) -> list[dict[str, float]]:
        """The figures of each step that was logged, the oldest first, with ``step`` and ``seconds_per_step``."""
        lines = self.statistics.read_text("utf-8", "replace").splitlines() if self.statistics.exists() else []
        return [row for line in lines if (row := _row(line))]

    def samples(self) -> list[Path]:
        """The contact sheets of held-out pictures, the oldest first."""
        return sorted(self.sheet(0).parent.glob("*.png"))

    def networks(self, *, ema: bool = True) -> dict[str, nn.Module]:
        """The networks by name, in eval mode, on the CPU.

        Args:
            ema: whether those that users run have the moving average of their weights, and not the last ones.

        Raises:
            CheckpointError: the checkpoint does not hold their weights.
        """
        family = FAMILIES[self.recipe.family]
        state = checkpoint.load(self.file, ("networks", "ema"))
        networks = family.networks(self.recipe.model)
        averaged = family.ema if ema else ()
        for name, network in networks.items():
            try:
                network.load_state_dict(state.part("ema" if name in averaged else "networks", name))
            except RuntimeError as error:
                raise CheckpointError(
                    f"{self.file} does not hold the weights of {self.recipe.name}'s {name}"
                ) from error
            network.eval()
        return networks

    def generators(self, networks: Networks | None = None) -> dict[str, Generator]:
        """What export turns into model files, by a suffix for the file name ("" where there is one only).

        Args:
            networks: by default those of `networks`, with EMA weights.

        Raises:
            CheckpointError: the checkpoint does not hold their weights.
            TrainingError: they are not trained far enough.
        """
        family = FAMILIES[self.recipe.family]
        return family.exports(self.recipe.model, networks or self.networks(), self.recipe.data)

    def write_settings(self) -> None:
        """Keep the resolved recipe and the data folder where `open` and people look for them. Raises ImageError."""
        pictures = str(self.data.resolve()) if self.data else None
        settings = {"pictures": pictures, **recipes.dump(self.recipe)}
        with replacing(self.folder / _SETTINGS, overwrite=True) as file:
            file.write(f"{json.dumps(settings, indent=2)}\n".encode())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the folder, which is made, against other processes; it is removed if the block leaves nothing in it.

        Raises:
            TrainingError: another process trains into it, or it cannot be written to.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / _LOCK, timeout=0)
            lock.acquire()
        except Timeout:
            raise TrainingError(
                f"another process trains into {self.folder}; wait for it or choose another --out"
            ) from None
        except OSError as error:
            raise TrainingError(f"cannot write to {self.folder}: {error.strerror}; choose another --out") from error
        try:
            yield
        finally:
            lock.release()
            if os.listdir(self.folder) == [_LOCK]:
                shutil.rmtree(self.folder, ignore_errors=True)


def check_place(out: Path, pictures: Path) -> None:
    """Raises TrainingError where no run can be written, or where it would learn from its own samples."""
    nearest = next(path for path in (out, *out.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise TrainingError(f"{nearest} is no folder that can be written to; choose another --out")
    if Path(os.path.realpath(out)).is_relative_to(os.path.realpath(pictures)):
        raise TrainingError(f"{out} lies in {pictures}, so that samples would be trained on; choose another --out")


def _pictures(settings: Path) -> Path | None:
    try:
        return Path(json.loads(settings.read_text())["pictures"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _row(line: str) -> dict[str, Any] | None:
    """None for one that was torn by a crash."""
    try:
        row = json.loads(line)
    except ValueError:
        return None
    return row if isinstance(row, dict) and isinstance(row.get("step"), int) else None
