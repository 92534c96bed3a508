"""The one training loop. It knows steps, files and devices, and nothing of any loss."""

import copy
import json
import math
import os
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import torch
from filelock import FileLock, Timeout
from lightning_fabric import Fabric
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from gantool.errors import reason
from gantool.storage import replacing
from gantool_trainer import checkpoint, data, ema
from gantool_trainer import recipe as recipes
from gantool_trainer.checkpoint import Checkpoint
from gantool_trainer.data import Batch
from gantool_trainer.errors import CheckpointError, DataError, TrainingError
from gantool_trainer.families import FAMILIES
from gantool_trainer.family import Finished, Update
from gantool_trainer.layouts import list_bad
from gantool_trainer.pictures import Picture
from gantool_trainer.recipe import Recipe, TrainConfig
from gantool_trainer.seeds import torch_seed

_INITIAL, _STEP, _MEASURE = 11, 12, 13  # what a torch seed is for
_MEASURED = 32
"""Batches on which the statistics of batch norms are measured."""


@dataclass(frozen=True)
class Progress:
    """Where a run stands, told after every step."""

    step: int
    steps: int
    figures: dict[str, float]
    """At steps that are logged, mean losses since the last, and the validation figures when they were taken."""
    seconds_per_step: float
    """Since the last step that was logged; 0 at the others."""


@dataclass(frozen=True)
class Run:
    """The files of a run."""

    folder: Path

    @property
    def last(self) -> Path:
        return self.folder / checkpoint.LAST

    @property
    def settings(self) -> Path:
        """The resolved recipe and the data folder."""
        return self.folder / "recipe.json"

    @property
    def statistics(self) -> Path:
        return self.folder / "stats.jsonl"


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
        initial: a run or checkpoint whose averaged weights the averaged networks start from.
        report: called on the main process after every step.
        warn: called with a sentence when something failed that training does not need.

    Returns:
        Whether the last step was reached; if not, the run can be resumed.

    Raises:
        TrainingError: the data cannot be used or holds ``out``, a loss is no longer finite, or another process trains
            into ``out``.
        CheckpointError: ``out`` holds a run already, or there is nothing to resume.
    """
    run, family, settings = Run(out), FAMILIES[recipe.family], recipe.train
    if run.last.exists() and not resume:
        step = checkpoint.load(run.last).step
        raise CheckpointError(f"{out} holds a run at step {step}; add --resume to go on, or choose another --out")
    before = checkpoint.load(run.last) if resume else None
    first = before.step if before else 0
    if first >= settings.steps:
        return True

    _check_writable(out)  # now, and not after the pictures have been looked through
    _check_apart(out, pictures)
    _check_processes(devices)
    fabric = Fabric(accelerator=accelerator, devices=devices, precision=settings.precision)
    fabric.launch()
    with _alone(run) if fabric.is_global_zero else nullcontext():
        recipe, split = _scanned(recipe, pictures, run, warn if fabric.is_global_zero else lambda _: None)
        state = _prepare(fabric, recipe, before, checkpoint.load(initial) if initial else None)
        source = data.sound(family.dataset(split, recipe.model, recipe.data, settings.seed), recipe.data)
        log = _Log(run, recipe, pictures, first, warn) if fabric.is_global_zero else None
        return _Training(fabric, recipe, run, split, source, state, log, report, warn).go_on(first)


def _scanned(recipe: Recipe, pictures: Path, run: Run, warn: Callable[[str], None]) -> tuple[Recipe, Any]:
    """The recipe with what it leaves to the data, and the data. What is wrong with pictures is listed in the run.

    Raises:
        TrainingError: the data cannot be used.
    """
    family = FAMILIES[recipe.family]
    try:
        recipe = recipe.model_copy(update={"model": family.settled(recipe.model, pictures, recipe.data)})
        split = family.scan(pictures, recipe.model, recipe.data, recipe.train.seed)
    except DataError as error:
        listed = list_bad(error.problems, run.folder)
        raise TrainingError(
            f"{error}; all {len(error.problems)} are listed in {listed}; --set data.skip_bad=true goes on without them"
        ) from error
    listed = list_bad(split.skipped, run.folder)
    if split.skipped:
        warn(f"{len(split.skipped)} pictures are left out, which are listed in {listed}")
    return recipe, split


@dataclass(frozen=True)
class State:
    """What training changes."""

    networks: dict[str, nn.Module]
    averages: dict[str, nn.Module]
    wrapped: dict[str, nn.Module]
    """The same networks as Fabric runs them: on the device, in the recipe's precision."""
    optimisers: dict[str, Any]
    memory: dict[str, Tensor]
    updates: dict[str, int]
    """How often each averaged network was updated."""


@dataclass(frozen=True)
class _Training:
    """A run while it goes on: what it has read, what it changes, and whom it tells."""

    fabric: Fabric
    recipe: Recipe
    run: Run
    split: Any
    source: Dataset[Batch]
    state: State
    log: "_Log | None"
    """On the main process alone."""
    report: Callable[[Progress], None]
    warn: Callable[[str], None]

    def go_on(self, first: int) -> bool:
        """From step ``first`` to the last, or until a signal. Whatever else stops it, the steps done are saved."""
        done = first
        with _stop_signal() as stop:
            try:
                for done in self._steps(first, stop):  # noqa: B007
                    pass
            except _NotFinite:
                raise
            except Exception as error:
                self._save_after(error, done)
                raise
            finally:
                if self.log:
                    self.log.close()
        return done == self.recipe.train.steps

    def _steps(self, first: int, stop: threading.Event) -> Iterator[int]:
        """Do the steps, and what is due after each; yields the number of the last one done."""
        fabric, settings, log = self.fabric, self.recipe.train, self.log
        place = (fabric.global_rank, fabric.world_size)
        stream = data.batches(self.source, self.recipe.data, first, settings.steps, settings.batch, *place)
        window, saved = _Window(), time.monotonic()
        for step in range(first + 1, settings.steps + 1):
            batch = _on_device(fabric, next(stream))
            self._step(batch, step - 1, window)
            yield step

            # Looked at once a step, so that what stops is also saved; together, so that no process waits for another.
            late = time.monotonic() - saved > 60 * settings.save_minutes
            stopping, late = _any_process(fabric, stop.is_set(), late)
            last = stopping or step == settings.steps
            logging, saving = last or step % settings.log_every == 0, last or late or step % settings.save_every == 0
            snapshot = settings.snapshot_every > 0 and step % settings.snapshot_every == 0
            sampling = logging and (step % settings.sample_every == 0 or step == settings.steps)
            if logging:
                figures, seconds = window.close()
                if any(_any_process(fabric, not all(map(math.isfinite, figures.values())))):
                    raise _NotFinite(step)
                window = _Window()
            if log and (saving or snapshot or sampling):
                self._measure_batch_norms(step - 1)
            if saving or snapshot:
                saved = time.monotonic()
            if log and (saving or snapshot):
                self._save(step, saving=saving, snapshot=snapshot, last=last)
            if log and logging:
                if sampling:
                    log.take(self._looked_at, figures, step)
                log.figures(figures, seconds, step)
                self.report(Progress(step, settings.steps, figures, seconds))
            elif log:
                self.report(Progress(step, settings.steps, {}, 0.0))
            if stopping:
                break

    def _step(self, batch: Batch, index: int, window: "_Window") -> None:
        settings, state = self.recipe.train, self.state
        torch.manual_seed(torch_seed(settings.seed, _STEP, index + 1, self.fabric.global_rank))
        family, members = FAMILIES[self.recipe.family], FAMILIES[self.recipe.family].optimised(self.recipe.model)
        updated = set[str]()
        for update in family.step(self.recipe.model, state.wrapped, state.memory, batch, index):
            if isinstance(update, Finished):
                self._finish(update, index)
                continue
            _apply(self.fabric, self.recipe, state.optimisers[update.optimiser], update, index + 1)
            window.add(update)
            updated |= set(members[update.optimiser])
        for name in state.averages.keys() & updated:
            state.updates[name] = state.updates.get(name, 0) + 1
            kept = ema.decay(settings.average, state.updates[name])
            ema.average_weights(state.averages[name], state.networks[name], kept)
        window.steps += 1

    def _finish(self, finished: Finished, index: int) -> None:
        """Networks that have learnt all they will become what their averages are, in every process."""
        device = self.fabric.device
        with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
            self._measure_batch_norms(index - 1)
        for name in finished.networks:
            self.state.networks[name].load_state_dict(self.state.averages[name].state_dict())

    def _measure_batch_norms(self, index: int) -> None:
        """Of the averages, on what step ``index`` does with the first samples: whenever it is done, the same."""
        family, recipe, state = FAMILIES[self.recipe.family], self.recipe, self.state
        if index < 0 or not ema.batch_norms(state.averages.values()):
            return
        others = {name: network for name, network in state.networks.items() if name not in state.averages}
        networks = {**copy.deepcopy(others), **state.averages}
        batches = DataLoader(self.source, recipe.train.batch, sampler=range(recipe.train.batch * _MEASURED))

        def run(batch: Batch) -> Iterator[object]:
            memory = {name: tensor.clone() for name, tensor in state.memory.items()}
            return family.step(recipe.model, networks, memory, _on_device(self.fabric, batch), index)

        torch.manual_seed(torch_seed(recipe.train.seed, _MEASURE))
        ema.measure_batch_norms(state.averages, (partial(run, batch) for batch in batches))

    def _looked_at(self) -> tuple[Picture, dict[str, float]]:
        """A sheet of samples, and the figures on the held-out pictures."""
        family, recipe, averages = FAMILIES[self.recipe.family], self.recipe, self.state.averages
        with torch.inference_mode():
            sheet = family.samples(recipe.model, averages, self.split, recipe.data)
            return sheet, family.evaluate(recipe.model, averages, self.split, recipe.data)

    def _save(self, step: int, *, saving: bool, snapshot: bool, last: bool) -> None:
        """Raises CheckpointError for the last checkpoint alone: before it, a full disk may have room again later."""
        packed = pack(step, self.recipe, self.state)
        files = [self.run.last] * saving + [self.run.folder / f"step-{step:07d}.safetensors"] * snapshot
        for file in files:
            try:
                checkpoint.save(file, packed)
            except CheckpointError as error:
                if last and file == self.run.last:
                    raise
                self.warn(f"{error}; training goes on")

    def _save_after(self, error: Exception, step: int) -> None:
        """Keep the steps done when something stops the run, unless it is that they cannot be kept.

        A checkpoint of this step is left alone: what stopped the next one may have changed some of the weights.
        """
        last = self.run.last
        if self.log is None or isinstance(error, CheckpointError) or step == 0:
            return
        try:
            if not (last.exists() and checkpoint.load(last).step == step):
                checkpoint.save(last, pack(step, self.recipe, self.state))
        except Exception as second:  # such as of a device that has failed: the first error is the one to tell
            self.warn(f"step {step} could not be saved: {second}")
        else:
            self.warn(f"stopped by an error and saved at step {step}; go on with --resume")


def _on_device(fabric: Fabric, batch: Sequence[Tensor]) -> Batch:
    return tuple(fabric.to_device(_channels_last(part)) for part in batch)


@contextmanager
def _alone(run: Run) -> Iterator[None]:
    """Raises TrainingError while another process trains into the folder."""
    try:
        run.folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run.folder / ".lock", timeout=0)
        lock.acquire()
    except Timeout:
        raise TrainingError(f"another process trains into {run.folder}; wait for it or choose another --out") from None
    except OSError as error:
        raise TrainingError(f"cannot write to {run.folder}: {error.strerror}; choose another --out") from error
    try:
        yield
    finally:
        lock.release()
        if os.listdir(run.folder) == [".lock"]:  # nothing came of it
            shutil.rmtree(run.folder, ignore_errors=True)


def _check_processes(devices: int) -> None:
    """Raises TrainingError for processes that were started together and do not know of each other."""
    started = os.environ.get("WORLD_SIZE", "1")
    if started.isdigit() and int(started) not in (1, devices):
        raise TrainingError(f"this is one of {started} processes, as torchrun starts them; add --devices {started}")


def _check_apart(out: Path, pictures: Path) -> None:
    """Raises TrainingError for a run among its pictures, which would learn from its own samples."""
    if Path(os.path.realpath(out)).is_relative_to(os.path.realpath(pictures)):
        raise TrainingError(f"{out} lies in {pictures}, so that samples would be trained on; choose another --out")


def _check_writable(folder: Path) -> None:
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise TrainingError(f"{nearest} is no folder that can be written to; choose another --out")


def _prepare(fabric: Fabric, recipe: Recipe, before: Checkpoint | None, initial: Checkpoint | None) -> State:
    family, config = FAMILIES[recipe.family], recipe.model
    torch.manual_seed(torch_seed(recipe.train.seed, _INITIAL))
    networks = family.networks(config)
    for network in networks.values():
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    averages = {name: copy.deepcopy(networks[name]).eval().requires_grad_(False) for name in family.averaged(config)}
    if before is not None:
        restore_networks(before, networks, averages)
    elif initial is not None:
        start_from(initial, networks, averages)
    wrapped: dict[str, nn.Module] = {name: fabric.setup_module(network) for name, network in networks.items()}
    for average in averages.values():
        average.to(fabric.device)
    optimisers = {}
    for name, members in family.optimised(config).items():
        parameters = [p for member in members if member in wrapped for p in wrapped[member].parameters()]
        if not parameters:
            continue
        settings = recipe.optimisers[name]
        adam = torch.optim.Adam(parameters, settings.lr, settings.betas, weight_decay=settings.weight_decay)
        if before is not None:
            rest = {k.removeprefix(name + "/"): v for k, v in before.optimisers.items() if k.startswith(name + "/")}
            checkpoint.unpack_optimiser(adam, before.part("optimisers", name), rest)
        optimisers[name] = fabric.setup_optimizers(adam)
    memory = family.memory(config, recipe.data)
    if before is not None:
        restore_memory(before, memory)
    memory = {name: fabric.to_device(tensor) for name, tensor in memory.items()}
    # Checkpoints from before the count was kept have averages that are warm.
    updates = {name: before.updates.get(name, before.step) if before else 0 for name in averages}
    return State(networks, averages, wrapped, optimisers, memory, updates)


def _apply(fabric: Fabric, recipe: Recipe, optimiser: Any, update: Update, step: int) -> None:
    for group in optimiser.param_groups:
        group["lr"] = recipe.optimisers[update.optimiser].lr * rate(recipe.train, step - 1)
    optimiser.zero_grad()
    fabric.backward(torch.stack(list(update.losses.values())).sum())
    if recipe.train.clip:
        nn.utils.clip_grad_norm_([p for group in optimiser.param_groups for p in group["params"]], recipe.train.clip)
    optimiser.step()


def _channels_last(part: Tensor) -> Tensor:
    return part.to(memory_format=torch.channels_last) if part.ndim == 4 else part


class _Window:
    """Losses summed since the last report, on the device until somebody asks."""

    def __init__(self) -> None:
        self.steps, self._since = 0, time.perf_counter()
        self._sums, self._counts = dict[str, Tensor](), Counter[str]()

    def add(self, update: Update) -> None:
        for name, loss in update.losses.items():
            key = f"{update.optimiser}/{name}"
            self._sums[key] = self._sums[key] + loss.detach() if key in self._sums else loss.detach().clone()
            self._counts[key] += 1

    def close(self) -> tuple[dict[str, float], float]:
        """(mean losses, each over the steps that had it, and seconds per step)."""
        figures = {key: float(value) / self._counts[key] for key, value in self._sums.items()}
        return figures, (time.perf_counter() - self._since) / self.steps


def rate(settings: TrainConfig, step: int) -> float:
    """The learning rate's factor at a step, a function of the step alone."""
    warm = min(1.0, (step + 1) / (settings.warmup + 1))
    done = step / settings.steps
    if settings.schedule == "cosine":
        return warm * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)
    if settings.schedule == "linear":
        return warm * min(1.0, 2 * (1 - done))
    return warm


def pack(step: int, recipe: Recipe, state: State) -> Checkpoint:
    """Everything that a later process needs to go on. Raises TrainingError rather than keep what is not finite."""
    tensors: dict[str, Tensor] = {}
    rest: dict[str, Any] = {}
    for part, modules in (("networks", state.networks), ("average", state.averages)):
        for name, module in modules.items():
            tensors |= {f"{part}/{name}/{key}": value for key, value in module.state_dict().items()}
    tensors |= {f"memory/{key}": value for key, value in state.memory.items()}
    for name, optimiser in state.optimisers.items():
        moments, scalars = checkpoint.pack_optimiser(optimiser.optimizer)
        tensors |= {f"optimisers/{name}/{key}": value for key, value in moments.items()}
        rest |= {f"{name}/{key}": value for key, value in scalars.items()}
    if not all(bool(torch.isfinite(value).all()) for value in tensors.values() if value.is_floating_point()):
        raise _NotFinite(step)
    return Checkpoint(step, recipes.dump(recipe), tensors, rest, dict(state.updates))


class _NotFinite(TrainingError):
    """What the run has come to is not worth keeping."""

    def __init__(self, step: int) -> None:
        super().__init__(
            f"a loss or weight is no longer finite at step {step}; a checkpoint, if there is one, is from before: "
            f"resume or start again with a lower learning rate (--set optimisers.generator.lr=...) or with "
            f"--set train.clip=1"
        )


def _any_process(fabric: Fabric, *flags: bool) -> list[bool]:
    """Whether each flag is set in any process; all of them ask at once."""
    if fabric.world_size == 1:
        return list(flags)
    votes = fabric.all_reduce(torch.tensor(flags, dtype=torch.float32, device=fabric.device), reduce_op="sum")
    assert isinstance(votes, Tensor)
    return (votes > 0).tolist()


def restore_networks(state: Checkpoint, networks: dict[str, nn.Module], averages: dict[str, nn.Module]) -> None:
    """Load every network of a checkpoint of the same recipe. Raises CheckpointError."""
    try:
        for part, modules in (("networks", networks), ("average", averages)):
            for name, module in modules.items():
                module.load_state_dict(state.part(part, name))
    except RuntimeError as error:
        raise CheckpointError(
            f"the checkpoint's networks are not the recipe's ({str(error).splitlines()[-1].strip()}); "
            f"resume with the recipe that the run was started with"
        ) from error


def restore_memory(state: Checkpoint, memory: dict[str, Tensor]) -> None:
    """Fill ``memory`` with what a checkpoint of the same recipe holds; of several processes, the first one's.

    Raises:
        CheckpointError: it is of another size.
    """
    saved = state.part("memory")
    if {name: tensor.shape for name, tensor in saved.items()} != {name: t.shape for name, t in memory.items()}:
        raise CheckpointError(
            "what the checkpoint remembers is not of the recipe's size; resume with the recipe of the run"
        )
    for name, tensor in memory.items():
        tensor.copy_(saved[name])


def start_from(state: Checkpoint, networks: dict[str, nn.Module], averages: dict[str, nn.Module]) -> None:
    """Give the averaged networks another run's weights; layers whose shape differs (another scale) start afresh.

    Raises:
        CheckpointError: less than half of a network fits.
    """
    for name, average in averages.items():
        own = average.state_dict()
        fitting = {k: v for k, v in state.part("average", name).items() if k in own and own[k].shape == v.shape}
        share = sum(v.numel() for v in fitting.values()) / sum(v.numel() for v in own.values())
        if share < 0.5:
            raise CheckpointError(f"only {share:.0%} of the network '{name}' of this recipe fit the weights of --init")
        for module in (networks[name], average):
            module.load_state_dict(fitting, strict=False)


def _step_of(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (ValueError, KeyError):
        return math.inf  # torn by a crash: not kept


class _Log:
    """stats.jsonl, TensorBoard and sample pictures; figures past the step that a run resumes from are dropped."""

    def __init__(self, run: Run, recipe: Recipe, pictures: Path, first: int, warn: Callable[[str], None]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._warn, self._samples = warn, run.folder / "samples"
        try:
            self._file = self._begin(run, recipe, pictures, first)
            self._board = SummaryWriter(run.folder / "tensorboard", purge_step=first + 1)
        except OSError as error:
            raise TrainingError(f"cannot write to {run.folder}: {error.strerror}; choose another --out") from error

    def _begin(self, run: Run, recipe: Recipe, pictures: Path, first: int) -> TextIO:
        run.settings.write_text(
            json.dumps({"pictures": str(pictures.resolve()), **recipes.dump(recipe)}, indent=2) + "\n"
        )
        lines = run.statistics.read_text().splitlines() if run.statistics.exists() else []
        kept = [line for line in lines if _step_of(line) <= first]
        run.statistics.write_text("".join(line + "\n" for line in kept))
        self._samples.mkdir(exist_ok=True)
        return run.statistics.open("a")

    def take(self, look: Callable[[], tuple[Picture, dict[str, float]]], figures: dict[str, float], step: int) -> None:
        """Keep the sheet that ``look`` makes, and add its figures to these."""
        with self._allowed_to_fail(f"the samples of step {step}"):
            sheet, seen = look()
            figures |= seen
            with replacing(self._samples / f"{step:07d}.png", overwrite=True) as file:
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


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """An event that the first SIGINT, SIGTERM or SIGHUP (a terminal that is closed) sets; the second acts as usual.

    One that is ignored stays so: `nohup` has a run go on without its terminal.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    known = (getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
    previous = {number: now for number in known if (now := signal.getsignal(number)) is not signal.SIG_IGN}

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    def handle(number: int, frame: FrameType | None) -> None:
        stop.set()
        restore()

    for number in previous:
        signal.signal(number, handle)
    try:
        yield stop
    finally:
        restore()
