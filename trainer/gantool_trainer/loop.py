"""The one training loop. It knows steps, files and devices, and nothing of any loss."""

import copy
import json
import math
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning_fabric import Fabric
from PIL import Image
from torch import Tensor, nn

from gantool_trainer import checkpoint, data
from gantool_trainer import recipe as recipes
from gantool_trainer.checkpoint import Checkpoint
from gantool_trainer.errors import CheckpointError, TrainingError
from gantool_trainer.families import FAMILIES
from gantool_trainer.family import Update
from gantool_trainer.pictures import Picture
from gantool_trainer.recipe import Recipe, TrainConfig
from gantool_trainer.seeds import torch_seed

_INITIAL, _STEP = 11, 12  # what a torch seed is for


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


def train(
    recipe: Recipe,
    pictures: Path,
    out: Path,
    *,
    resume: bool = False,
    initial: Path | None = None,
    accelerator: str = "auto",
    devices: int | str = 1,
    report: Callable[[Progress], None] = lambda _: None,
) -> bool:
    """Train to the recipe's last step, or until SIGINT or SIGTERM, and write everything into ``out``.

    Args:
        pictures: the data folder.
        resume: go on from the checkpoint in ``out``; without it, ``out`` must hold none.
        initial: a run or checkpoint whose averaged weights the averaged networks start from.
        report: called on the main process after every step.

    Returns:
        Whether the last step was reached; if not, the run can be resumed.

    Raises:
        TrainingError: the data cannot be used, or a loss is no longer finite.
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
    fabric = Fabric(accelerator=accelerator, devices=devices, precision=settings.precision)
    fabric.launch()
    recipe = recipe.model_copy(update={"model": family.settled(recipe.model, pictures, recipe.data)})
    split = family.scan(pictures, recipe.model, recipe.data, settings.seed)
    state = _prepare(fabric, recipe, before, checkpoint.load(initial) if initial else None)
    source = family.dataset(split, recipe.model, recipe.data, settings.seed)
    place = (fabric.global_rank, fabric.world_size)
    stream = data.batches(source, recipe.data, first, settings.steps, settings.batch, *place)
    log = _Log(run, recipe, pictures, first) if fabric.is_global_zero else None

    step, window, members = first, _Window(), family.optimised(recipe.model)
    with _stop_signal() as stop:
        for step in range(first + 1, settings.steps + 1):
            torch.manual_seed(torch_seed(settings.seed, _STEP, step, fabric.global_rank))
            batch = tuple(fabric.to_device(_channels_last(part)) for part in next(stream))
            updated = set[str]()
            for update in family.step(recipe.model, state.wrapped, state.memory, batch, step - 1):
                _apply(fabric, recipe, state.optimisers[update.optimiser], update, step)
                window.add(update)
                updated |= set(members[update.optimiser])
            for name in state.averages.keys() & updated:
                average = state.averages[name]
                average_weights(average, state.networks[name], min(settings.average, step / (step + 10)))
            window.steps += 1

            # Looked at once a step, so that what stops is also saved; together, so that no process waits for another.
            stopping = _any_process(fabric, stop.is_set())
            last = stopping or step == settings.steps
            logging = last or step % settings.log_every == 0
            saving = last or step % settings.save_every == 0
            snapshot = settings.snapshot_every > 0 and step % settings.snapshot_every == 0
            if logging:
                figures, seconds = window.close()
                if _any_process(fabric, not all(map(math.isfinite, figures.values()))):
                    raise _not_finite(step)
            if log and (saving or snapshot):
                packed = pack(step, recipe, state)
                if saving:
                    checkpoint.save(run.last, packed)
                if snapshot:
                    checkpoint.save(run.folder / f"step-{step:07d}.safetensors", packed)
            if log and logging:
                if step % settings.sample_every == 0 or step == settings.steps:
                    with torch.inference_mode():
                        log.picture(family.samples(recipe.model, state.averages, split, recipe.data), step)
                        figures |= family.evaluate(recipe.model, state.averages, split, recipe.data)
                log.figures(figures, seconds, step)
                report(Progress(step, settings.steps, figures, seconds))
            elif log:
                report(Progress(step, settings.steps, {}, 0.0))
            if logging:
                window = _Window()
            if stopping:
                break
    if log:
        log.close()
    return step == settings.steps


def _check_writable(folder: Path) -> None:
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise TrainingError(f"{nearest} is no folder that can be written to; choose another --out")


@dataclass(frozen=True)
class State:
    """What training changes."""

    networks: dict[str, nn.Module]
    averages: dict[str, nn.Module]
    wrapped: dict[str, nn.Module]
    """The same networks as Fabric runs them: on the device, in the recipe's precision."""
    optimisers: dict[str, Any]
    memory: dict[str, Tensor]


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
    return State(networks, averages, wrapped, optimisers, {k: fabric.to_device(v) for k, v in memory.items()})


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


@torch.no_grad()
def average_weights(average: nn.Module, network: nn.Module, decay: float) -> None:
    """average <- decay average + (1 - decay) network, in place: weights, and the statistics of norms, which would not
    fit averaged weights if they were the newest; what only counts is copied."""
    pairs = (
        *zip(average.parameters(), network.parameters(), strict=True),
        *zip(average.buffers(), network.buffers(), strict=True),
    )
    for a, b in pairs:
        if a.is_floating_point():
            a.lerp_(b, 1 - decay)
        else:
            a.copy_(b)


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
        raise _not_finite(step)
    return Checkpoint(step, recipes.dump(recipe), tensors, rest)


def _not_finite(step: int) -> TrainingError:
    return TrainingError(
        f"a loss or weight is no longer finite at step {step}; a checkpoint, if there is one, is from before: resume "
        f"or start again with a lower learning rate (--set optimisers.generator.lr=...) or with --set train.clip=1"
    )


def _any_process(fabric: Fabric, flag: bool) -> bool:
    if fabric.world_size == 1:
        return flag
    votes = fabric.all_reduce(torch.tensor(float(flag), device=fabric.device), reduce_op="sum")
    assert isinstance(votes, Tensor)
    return bool(votes > 0)


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

    def __init__(self, run: Run, recipe: Recipe, pictures: Path, first: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        try:
            run.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TrainingError(f"cannot write to {run.folder}: {error.strerror}; choose another --out") from error
        run.settings.write_text(
            json.dumps({"pictures": str(pictures.resolve()), **recipes.dump(recipe)}, indent=2) + "\n"
        )
        lines = run.statistics.read_text().splitlines() if run.statistics.exists() else []
        kept = [line for line in lines if _step_of(line) <= first]
        run.statistics.write_text("".join(line + "\n" for line in kept))
        self._file = run.statistics.open("a")
        self._board = SummaryWriter(run.folder / "tensorboard", purge_step=first + 1)
        self._samples = run.folder / "samples"
        self._samples.mkdir(exist_ok=True)

    def figures(self, figures: dict[str, float], seconds: float, step: int) -> None:
        self._file.write(json.dumps({"step": step, **figures, "seconds_per_step": round(seconds, 5)}) + "\n")
        self._file.flush()
        for name, value in figures.items():
            self._board.add_scalar(name, value, step)

    def picture(self, sheet: Picture, step: int) -> None:
        Image.fromarray(sheet).save(self._samples / f"{step:07d}.png")

    def close(self) -> None:
        self._file.close()
        self._board.close()


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """An event that the first SIGINT or SIGTERM sets; the second acts as usual."""
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

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
