"""What a run tells of itself: figures for people and for TensorBoard, sample sheets, means of losses."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PIL import Image
from torch import Tensor

from gantool.errors import ImageError, reason
from gantool.storage import replacing
from gantool_trainer.errors import TrainingError
from gantool_trainer.family import Look, Update
from gantool_trainer.run import Run


class Window:
    """Losses summed since the last report, on the device until somebody asks."""

    def __init__(self) -> None:
        self.steps = 0
        self._since = time.perf_counter()
        self._sums = dict[str, Tensor]()
        self._counts = Counter[str]()

    def add(self, update: Update) -> None:
        for name, loss in update.losses.items():
            key = f"{update.optimiser}/{name}"
            self._sums[key] = self._sums[key] + loss.detach() if key in self._sums else loss.detach().clone()
            self._counts[key] += 1

    def close(self) -> tuple[dict[str, float], float]:
        """(mean losses, each over the steps that had it, and seconds per step)."""
        figures = {key: float(value) / self._counts[key] for key, value in self._sums.items()}
        return figures, (time.perf_counter() - self._since) / self.steps


class Log:
    """Writes a run's recipe, stats.jsonl, TensorBoard and sample sheets; figures past the step that it goes on from are
    dropped.

    Raises:
        TrainingError: the folder cannot be written to; later on, what cannot be written is a warning.
    """

    def __init__(self, run: Run, warn: Callable[[str], None]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._run = run
        self._warn = warn
        try:
            run.write_settings()
            kept = [row for row in run.stats() if row["step"] <= run.step]
            with replacing(run.statistics, overwrite=True) as file:  # whole or not at all: it is all there is of them
                file.write("".join(json.dumps(row) + "\n" for row in kept).encode())
            self._file = run.statistics.open("a")
            self._board = SummaryWriter(run.board, purge_step=run.step + 1)
        except (OSError, ImageError) as error:
            raise TrainingError(f"cannot write to {run.folder}: {reason(error)}; choose another --out") from error

    def take(self, look: Callable[[], Look], figures: dict[str, float], step: int) -> None:
        """Keep the sheet that ``look`` makes, and add its figures to these."""
        with self._allowed_to_fail(f"the samples of step {step}"):
            sheet, seen = look()
            figures |= seen
            with replacing(self._run.sheet(step), overwrite=True) as file:
                Image.fromarray(sheet).save(file, "PNG")

    def figures(self, figures: dict[str, float], seconds: float, step: int) -> None:
        with self._allowed_to_fail(f"the figures of step {step}"):
            self._file.write(json.dumps({"step": step, **figures, "seconds_per_step": round(seconds, 5)}) + "\n")
            self._file.flush()
            for name, value in figures.items():
                self._board.add_scalar(name, value, step)

    def close(self) -> None:
        with self._allowed_to_fail("the last figures"):
            self._file.close()
            self._board.close()

    @contextmanager
    def _allowed_to_fail(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # a full disk, or whatever a library raises: none of it is worth the run
            self._warn(f"{what} could not be kept ({reason(error)}); training goes on")
