"""One member from its files: fresh or restored, trained to the end, its status noted."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from geoml_cli.config.settings import Settings
from geoml_cli.dataset.files import write_text
from geoml_cli.errors import SettingsError, StoppedError
from geoml_cli.models.spec import Network
from geoml_cli.runs import checkpoint
from geoml_cli.runs.run import MemberFiles, Run, Status
from geoml_cli.samples.batches import Batches
from geoml_cli.samples.samples import Samples
from geoml_cli.training import precision
from geoml_cli.training.at_once import shown
from geoml_cli.training.freezing import freeze
from geoml_cli.training.lockstep import is_of_member, train_in_lockstep
from geoml_cli.training.processes import Accelerated
from geoml_cli.training.smearing import smearing_of
from geoml_cli.training.start import start_of
from geoml_cli.training.state import State
from geoml_cli.training.trainer import Member, Trainer
from geoml_cli.work.locking import locked
from geoml_cli.work.reporting import Reporter
from geoml_cli.work.signals import StopRequest


@dataclass(frozen=True)
class TrainingContext:
    """What all members of a run share while they are trained; networks and their samples by name.

    Attributes:
        float32: Types of layers that run in float32 whatever the precision.
    """

    run: Run
    settings: Settings
    networks: Mapping[str, Network]
    samples: Mapping[str, Samples]
    processes: Accelerated
    reporter: Reporter
    float32: tuple[str, ...] = ()


class MemberTakenError(SettingsError):
    """Another process is training a member."""


def train_member(work: TrainingContext, name: str, stop: StopRequest) -> None:
    """Train a member to its end, from the start or its last checkpoint.

    Raises:
        StoppedError: A signal came; the member is saved and marked as interrupted.
        MemberTakenError: Another process is training it.
    """
    # The lock comes first: a command that finds the member taken must not write its status.
    with _alone(work, name), _marked(work, [name]), settled(work.settings):
        trainer = _trainer(work, name)
        with work.reporter.task(name, trainer.total) as advance:
            advance(trainer.state.counters.step)
            trainer.run(lambda: stop.received is not None, advance)
        _tell_unimproved(work, name)
        _smear(work, trainer)
        work.processes.free_memory()


def train_seeds(work: TrainingContext, names: Sequence[str], stop: StopRequest) -> None:
    """Train members of one fold at once, each to its end, from the start or its last checkpoint.

    Raises:
        StoppedError: A signal came; the members are saved and marked as interrupted.
        MemberTakenError: Another process is training one of them.
    """
    with ExitStack() as locks:
        for name in names:
            locks.enter_context(_alone(work, name))
        with _marked(work, names), settled(work.settings):
            if len(names) > 1:
                work.reporter.info(f"Trains {len(names)} seeds at once: {', '.join(names)}.")
            # Random states are one for all members; on resuming, those of the last are restored.
            trainers = [_trainer(work, name, fused=True) for name in names]

            def finish(trainer: Trainer) -> None:
                _tell_unimproved(work, trainer.member.name)
                _smear(work, trainer)
                work.run.mark(trainer.member.name, "finished")

            with work.reporter.task(shown(names), sum(trainer.total for trainer in trainers)) as advance:
                advance(sum(trainer.state.counters.step for trainer in trainers))
                train_in_lockstep(trainers, lambda: stop.received is not None, advance, finish)
            work.processes.free_memory()


def _trainer(work: TrainingContext, name: str, *, fused: bool = False) -> Trainer:
    """Return a member ready to be trained, fresh or restored."""
    files, split, scaling = work.run.member(name), work.run.split(name), work.run.scaling(name)
    network, settings = work.networks[split.network], work.settings.shared.train
    # Dropout differs between ranks; first weights do not, since `_network` draws them from the seed alone.
    seed_everything(split.seed + work.processes.rank)
    state = State(_network(work, name, network), settings, fused=fused)
    if settings.start_run and not files.checkpoint("last").meta.is_file():
        state.counters.last_validation_step = -1  # weights of another run are validated before the first step
    batches = Batches(work.samples[split.network], scaling, work.processes.device)
    trainer = Trainer(Member(name, files, split, batches, network), state, settings, work.processes)
    # After the trainer, which wraps the network and makes the scaler: both are there to be restored.
    _continue(state, files, work)
    if settings.steps is None and settings.warmup_steps >= trainer.total and work.processes.rank == 0:
        steps = f"{settings.warmup_steps} warmup_steps of {trainer.total} steps"
        work.reporter.warn(f"[train] lr = {settings.lr:g} is never reached: {steps}.")
    return trainer


def seed_everything(seed: int) -> None:
    """Set every generator that a step may draw from."""
    random.seed(seed)
    # NumPy's seeds have 32 bits.
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _network(work: TrainingContext, name: str, network: Network) -> nn.Module:
    """Build the network; its weights follow from the seed alone, in every process, or are those of another run."""
    split = work.run.split(name)
    with torch.random.fork_rng():
        torch.manual_seed(split.seed)
        data = work.run.data().signatures[split.network]
        module = network.build(data).to(work.processes.device)
    start = start_of(work.settings.shared.train, name, split.network)
    # A member that has a checkpoint of its own goes on from there, wherever it once started.
    if start and not work.run.member(name).checkpoint("last").meta.is_file():
        with checkpoint.fitting(start.run.member(start.member).checkpoint("best")):
            module.load_state_dict(start.weights())
    frozen, total = freeze(module, work.settings.shared.train.freeze)
    if frozen:
        work.reporter.info(f"Member {name}: {frozen} of {total} parameters are frozen.")
    precision.lower(module, work.float32)
    return module


def _continue(state: State, files: MemberFiles, work: TrainingContext) -> None:
    """Restore the last checkpoint, and forget what history says of the steps after it."""
    last = files.checkpoint("last")
    found = checkpoint.recover(last)
    if found:
        snapshot = checkpoint.read(last)
        with checkpoint.fitting(last):
            state.restore(snapshot)
    if work.processes.rank == 0:
        last_step = state.counters.last_validation_step
        kept = [json.dumps(entry) for entry in files.entries() if found and entry["step"] <= last_step]
        files.history.parent.mkdir(parents=True, exist_ok=True)
        write_text(files.history, "".join(f"{line}\n" for line in kept))
    work.processes.barrier()


def _tell_unimproved(work: TrainingContext, name: str) -> None:
    """Warn where no step has made the weights of another run better."""
    train = work.settings.shared.train
    if train.start_run and work.processes.rank == 0 and not work.run.member(name).best().step():
        work.reporter.warn(
            f"member {name}: no step is better on the validation rows than the weights that it began with "
            f"({train.start_run}); they are kept. Lower train.lr, or train longer."
        )


def _smear(work: TrainingContext, trainer: Trainer) -> None:
    """Note by which factor predictions are multiplied, where they are turned back from a logarithm."""
    member, target = trainer.member, work.run.scaling(trainer.member.name).target
    is_wanted = work.settings.shared.target.smearing and target.transform != "none"
    if is_wanted and work.processes.rank == 0 and not work.samples[member.split.network].target.dims:
        factor = smearing_of(member, trainer.state.network, target, work.settings.shared.train.batch_size)
        with work.run.changing() as record:
            record.smearing[member.name] = factor


@contextmanager
def _alone(work: TrainingContext, name: str) -> Iterator[None]:
    """Keep a second command from training the same member; the lock goes with the process, even a killed one."""
    if work.processes.rank != 0:
        yield
        return

    def refuse(holder: str) -> None:
        raise MemberTakenError(f"is being trained by {holder}.", where=f"member {name}", fix="Wait for it, or stop it.")

    with locked(work.run.member(name).lock, refuse):
        yield


@contextmanager
def _marked(work: TrainingContext, names: Sequence[str]) -> Iterator[None]:
    """Keep `run.json` true of members whatever happens, short of a kill."""
    if work.processes.rank != 0:
        yield
        return

    def mark_unfinished(status: Status, message: str = "", among: Sequence[str] = names) -> None:
        members = work.run.record().members
        for name in among:
            if members[name] != "finished":
                work.run.mark(name, status, message)

    for name in names:
        work.run.mark(name, "running")
    try:
        yield
    except (StoppedError, KeyboardInterrupt):
        mark_unfinished("interrupted")
        raise
    except BaseException as error:
        # Of members that are trained at once the others did not fail, and are saved.
        failed = [name for name in names if is_of_member(error, name)] or names
        mark_unfinished("failed", str(error), failed)
        mark_unfinished("interrupted", str(error), [name for name in names if name not in failed])
        raise
    mark_unfinished("finished")


@contextmanager
def settled(settings: Settings) -> Iterator[None]:
    """Set threads and determinism for the training, and put back what was."""
    train = settings.shared.train
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(train.threads or threads)
    torch.use_deterministic_algorithms(train.deterministic)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)
