"""The one training loop. It knows steps, processes and devices, and nothing of any loss."""

import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import Dataset

from gantool_trainer import checkpoint, pretrained
from gantool_trainer.data import batches
from gantool_trainer.data.batches import Batch
from gantool_trainer.data.folders import list_bad
from gantool_trainer.errors import CheckpointError, DataError, TrainingError
from gantool_trainer.families import FAMILIES
from gantool_trainer.family import Look
from gantool_trainer.log import Log, Window
from gantool_trainer.recipe import Recipe, TrainConfig
from gantool_trainer.run import Run, check_place
from gantool_trainer.signals import stop_signal
from gantool_trainer.state import NotFinite, State, pack, prepare
from gantool_trainer.step import measure_batch_norms, updates


@dataclass(frozen=True)
class Progress:
    """Where a run stands, told after every step."""

    step: int
    steps: int
    figures: dict[str, float]
    """At steps that are logged, mean losses since the last, and the validation figures when they were taken."""
    seconds_per_step: float
    """Since the last step that was logged; 0 at the others."""


def _tell(sentence: str) -> None:
    print(f"gantool: {sentence}", file=sys.stderr, flush=True)


def train(
    recipe: Recipe,
    pictures: Path,
    out: Path,
    *,
    resume: bool = False,
    initial: Path | None = None,
    accelerator: str = "auto",
    devices: int = 1,
    report: Callable[[Progress], None] = lambda _: None,
    warn: Callable[[str], None] = _tell,
) -> bool:
    """Train to the recipe's last step, or until SIGINT, SIGTERM or SIGHUP, and write everything into ``out``.

    Args:
        pictures: the data folder.
        resume: go on from the checkpoint in ``out``; without it, ``out`` must hold none.
        initial: a run, checkpoint or exported model whose EMA weights the networks that have such begin with; or a
            file of others' weights, of a network that the recipe trains.
        report: called on the main process after every step.
        warn: called with a sentence when something failed that training does not need.

    Returns:
        Whether the last step was reached; if not, the run can be resumed.

    Raises:
        TrainingError: the data cannot be used or holds ``out``, a loss is no longer finite, or another process trains
            into ``out``.
        CheckpointError: ``out`` holds a run already, or there is nothing to resume.
    """
    file = out / checkpoint.LAST
    if file.exists() and not resume:
        step = checkpoint.read_header(file).step
        raise CheckpointError(f"{out} holds a run at step {step}; add --resume to go on, or choose another --out")
    before = checkpoint.load(out) if resume else None
    run = Run(file, recipe, pictures, before.header.step if before else 0)
    if run.step >= recipe.train.steps:
        return True
    check_place(out, pictures)  # now, and not after the pictures have been looked through
    given = pretrained.load(initial, recipe) if initial else None
    fabric = _launched(accelerator, devices, recipe.train)
    main = fabric.is_global_zero
    with run.alone() if main else nullcontext():
        run, split, source = _indexed(run, pictures, warn if main else lambda _: None)
        state = prepare(fabric, run.recipe, before, given)
        log = Log(run, warn) if main else None
        return _Training(run, split, source, state, log, report, warn).go_on()


def _indexed(run: Run, pictures: Path, warn: Callable[[str], None]) -> tuple[Run, Any, Dataset[Batch]]:
    """The run, its recipe with what it leaves to the data; the data, and the samples drawn of it.

    What is wrong with pictures is listed in the run's folder.

    Raises:
        TrainingError: the data cannot be used, or a batch is too large for the memory.
    """
    recipe, family = run.recipe, FAMILIES[run.recipe.family]
    try:
        model, split = family.index(pictures, recipe.model, recipe.data, recipe.train.seed)
    except DataError as error:
        listed = list_bad(error.problems, run.folder)
        raise TrainingError(
            f"{error}; all {len(error.problems)} are listed in {listed}; --set data.skip_bad=true goes on without them"
        ) from error
    listed = list_bad(split.skipped, run.folder)
    if split.skipped:
        warn(f"{len(split.skipped)} pictures are left out, which are listed in {listed}")
    source = batches.sound(family.dataset(split, model, recipe.data, recipe.train.seed), recipe.data)
    batches.check_room(source, recipe.data, recipe.train.batch)
    return replace(run, recipe=recipe.model_copy(update={"model": model})), split, source


@dataclass(frozen=True)
class _Training:
    """A run while it goes on: what it has read, what it changes, and whom it tells."""

    run: Run
    split: Any
    source: Dataset[Batch]
    state: State
    log: Log | None
    """On the main process alone."""
    report: Callable[[Progress], None]
    warn: Callable[[str], None]

    def go_on(self) -> bool:
        """To the last step, or until a signal. Whatever else stops it, the steps done are saved."""
        done = self.run.step
        with stop_signal() as stop:
            try:
                for done in self._steps(stop):  # noqa: B007
                    pass
            except NotFinite:
                raise
            except Exception as error:
                self._save_after(error, done)
                raise
            finally:
                if self.log:
                    self.log.close()
        return done == self.run.recipe.train.steps

    def _steps(self, stop: threading.Event) -> Iterator[int]:
        """Do the steps, and what is due after each; yields the number of the last one done."""
        fabric, first, settings = self.state.fabric, self.run.step, self.run.recipe.train
        place = (fabric.global_rank, fabric.world_size)
        stream = batches.batches(self.source, self.run.recipe.data, first, settings.steps, settings.batch, *place)
        window = Window()
        saved = time.monotonic()
        for step in range(first + 1, settings.steps + 1):
            for update in updates(self.state, self.source, next(stream), step - 1):
                window.add(update)
            window.steps += 1
            yield step

            # Looked at once a step, so that what stops is also saved; together, so that no process waits for another.
            late = time.monotonic() - saved > 60 * settings.save_minutes
            stopping, late = _any_process(fabric, stop.is_set(), late)
            last = stopping or step == settings.steps
            logging = last or step % settings.log_every == 0
            sampling = logging and (step % settings.sample_every == 0 or step == settings.steps)
            figures, seconds = window.close() if logging else ({}, 0.0)
            if logging:
                if any(_any_process(fabric, not all(map(math.isfinite, figures.values())))):
                    raise NotFinite(step)
                window = Window()
            files = self._due(step, last or late)
            if files:
                saved = time.monotonic()
            if self.log:
                if files or sampling:
                    measure_batch_norms(self.state, self.source, step - 1)
                if files:
                    self._save(files, step, last)
                if sampling:
                    self.log.take(self._look, figures, step)
                if logging:
                    self.log.figures(figures, seconds, step)
                self.report(Progress(step, settings.steps, figures, seconds))
            if stopping:
                break

    def _due(self, step: int, at_once: bool) -> list[Path]:
        """The checkpoints that are written after a step."""
        settings, run = self.run.recipe.train, self.run
        snapshot = settings.snapshot_every > 0 and step % settings.snapshot_every == 0
        return [run.file] * (at_once or step % settings.save_every == 0) + [run.snapshot(step)] * snapshot

    @torch.inference_mode()
    def _look(self) -> Look:
        recipe = self.run.recipe
        return FAMILIES[recipe.family].look(recipe.model, self.state.ema, self.split, recipe.data)

    def _save(self, files: Sequence[Path], step: int, last: bool) -> None:
        """Raises CheckpointError for the last checkpoint alone: before it, a full disk may have room again later."""
        packed = pack(step, self.state)
        for file in files:
            try:
                checkpoint.save(file, packed)
            except CheckpointError as error:
                if last and file == self.run.file:
                    raise
                self.warn(f"{error}; training goes on")

    def _save_after(self, error: Exception, step: int) -> None:
        """Keep the steps done when something stops the run, unless it is that they cannot be kept.

        A checkpoint of this step is left alone: what stopped the next one may have changed some of the weights.
        """
        file = self.run.file
        if self.log is None or isinstance(error, CheckpointError) or step == 0:
            return
        try:
            if not (file.exists() and checkpoint.read_header(file).step == step):
                checkpoint.save(file, pack(step, self.state))
        except Exception as second:  # such as of a device that has failed: the first error is the one to tell
            self.warn(f"step {step} could not be saved: {second}")
        else:
            self.warn(f"stopped by an error and saved at step {step}; go on with --resume")


def _any_process(fabric: Fabric, *flags: bool) -> list[bool]:
    """Whether each flag is set in any process; all of them ask at once."""
    if fabric.world_size == 1:
        return list(flags)
    votes = fabric.all_reduce(torch.tensor(flags, dtype=torch.float32, device=fabric.device), reduce_op="sum")
    assert isinstance(votes, Tensor)
    return (votes > 0).tolist()


def _launched(accelerator: str, devices: int, settings: TrainConfig) -> Fabric:
    """Raises TrainingError for processes that were started together and do not know of each other."""
    started = os.environ.get("WORLD_SIZE", "1")
    if started.isdigit() and int(started) not in (1, devices):
        raise TrainingError(f"this is one of {started} processes, as torchrun starts them; add --devices {started}")
    fabric = Fabric(accelerator=accelerator, devices=devices, precision=settings.precision)
    fabric.launch()
    return fabric
