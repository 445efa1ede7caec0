"""The processes a training runs in, through accelerate: one, or several that share gradients."""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, cast

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from torch import Tensor, nn

from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.errors import SettingsError
from geoml_cli.layers.devices import in_float32
from geoml_cli.models.spec import Network
from geoml_cli.training.precision import check_device
from geoml_cli.training.state import State

_PRECISION: dict[str, Literal["no", "bf16", "fp16"]] = {"fp32": "no", "bf16": "bf16", "fp16": "fp16"}


class Accelerated:
    """This process among its siblings.

    Args:
        settings: The preset's `[train]`.
        cpu: Stay on the CPU even where there is a GPU.

    Raises:
        SettingsError: A tracker is not installed, or the precision does not work here.
    """

    def __init__(self, settings: TrainSettings, *, cpu: bool) -> None:
        # accelerate keeps its state for the life of the process; a notebook may train with another precision.
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            AcceleratorState._reset_state(reset_partial_state=True)
        check_device(settings.precision, cpu=cpu)
        _check_trackers(settings)
        if settings.precision != "fp32":  # of RMSNorm, which then takes another kernel of the same function
            warnings.filterwarnings("ignore", message="Mismatch dtype between input and weight")
        self._trackers = settings.trackers
        try:
            self._accelerator = Accelerator(
                cpu=cpu,
                mixed_precision=_PRECISION[settings.precision],
            )
        except (ImportError, ValueError) as error:
            raise SettingsError(
                f"accelerate cannot train with precision = {settings.precision!r} on this machine.",
                where="[train]",
                fix="Use --set train.precision=fp32, or see `geoml doctor`.",
            ) from error
        self._wrapped: nn.Module | None = None

    def track(self, folder: Path) -> None:
        """Start the trackers; they write into the run."""
        if self._trackers:
            from accelerate.tracking import filter_trackers

            self._accelerator.project_configuration.set_directories(str(folder / "trackers"))
            self._accelerator.log_with = filter_trackers(list(self._trackers), folder / "trackers")
            self._accelerator.init_trackers("geoml")

    @property
    def rank(self) -> int:
        """This process's number, from 0."""
        return int(self._accelerator.process_index)

    @property
    def count(self) -> int:
        """How many processes there are."""
        return int(self._accelerator.num_processes)

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        return in_float32(cast(torch.device, self._accelerator.device))

    def wrap(self, state: State) -> nn.Module:
        """Return the network whose gradients are shared; put network and optimiser in place."""
        if self.count > 1 and self.device.type == "cuda":
            # Statistics of the whole batch, not of each GPU's share; a network without BatchNorm is left as it is.
            state.network = nn.SyncBatchNorm.convert_sync_batchnorm(state.network)  # type: ignore[no-untyped-call]
        # accelerate gets no loader: the order of rows is the sampler's.
        wrapped, _ = self._accelerator.prepare(state.network, state.optimiser)
        state.scaler = self._accelerator.scaler
        self._wrapped = cast(nn.Module, wrapped)
        return self._wrapped

    def backward(self, loss: Tensor) -> None:
        """Add to the gradients."""
        self._accelerator.backward(loss)

    def no_sync(self, network: nn.Module) -> AbstractContextManager[None]:
        """Accumulate gradients locally (DDP `no_sync`)."""
        return cast(AbstractContextManager[None], self._accelerator.no_sync(network))

    def step(self, state: State, clip_norm: float | None) -> None:
        """Clip, update the weights, clear the gradients."""
        scaler = state.scaler
        if clip_norm is not None:
            if scaler is not None:
                # Norms are those of the gradients, not of their multiples in fp16.
                scaler.unscale_(state.optimiser)
            torch.nn.utils.clip_grad_norm_(state.network.parameters(), clip_norm)
        if scaler is not None:
            scaler.step(state.optimiser)
            scaler.update()
        else:
            state.optimiser.step()
        state.optimiser.zero_grad()

    def all_reduce_sum(self, *values: float) -> list[float]:
        """Sum numbers over ranks."""
        if self.count == 1:
            return list(values)
        # float64 keeps sums of many rows exact enough; MPS has none but runs in one process.
        tensor = torch.tensor(values, dtype=torch.float64, device=self.device)
        summed: list[float] = self._accelerator.reduce(tensor, reduction="sum").tolist()
        return summed

    def any_rank(self, flag: bool) -> bool:
        """Logical OR over ranks."""
        return self.all_reduce_sum(float(flag))[0] > 0

    def broadcast(self, text: str) -> str:
        """Return the text of rank 0."""
        if self.count == 1:
            return text
        from accelerate.utils import broadcast_object_list

        texts: list[Any] = [text]
        broadcast_object_list(texts)
        return str(texts[0])

    def barrier(self) -> None:
        """Wait for every rank."""
        self._accelerator.wait_for_everyone()

    def log(self, values: dict[str, float], step: int) -> None:
        """Send values to the trackers."""
        self._accelerator.log(values, step=step)

    def free_memory(self) -> None:
        """Release the network, before the next member."""
        self._accelerator.free_memory()
        self._wrapped = None

    def close(self) -> None:
        """End trackers and the process group."""
        if self._accelerator.trackers:
            self._accelerator.end_training()
        elif self.count > 1:
            torch.distributed.destroy_process_group()


def _check_trackers(settings: TrainSettings) -> None:
    """Refuse a tracker that is not installed; accelerate would train without it."""
    missing = [name for name in settings.trackers if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"{', '.join(missing)} is not installed.",
            where="[train] trackers",
            fix="Install it with `pip install 'geoml[track]'`.",
        )


def refuse_accumulation(networks: Mapping[str, Network], settings: TrainSettings) -> None:
    """Refuse to cut the batches of networks with BatchNorm into parts: their statistics would be those of the parts.

    Raises:
        SettingsError: Gradients are accumulated.
    """
    if settings.accumulate > 1 and (reason := _batch_statistics(networks)):
        raise SettingsError(
            f"{reason}: accumulate = {settings.accumulate} gives another network than 1.",
            where="[train]",
            fix="Use --set train.accumulate=1.",
        )


def refuse_cpu_processes(networks: Mapping[str, Network], processes: Accelerated) -> None:
    """Refuse to divide the batches of networks with BatchNorm among CPU processes; SyncBatchNorm needs GPUs.

    Raises:
        SettingsError: Several CPU processes train.
    """
    if processes.count > 1 and processes.device.type != "cuda" and (reason := _batch_statistics(networks)):
        raise SettingsError(
            f"{reason}: {processes.count} CPU processes give another network than one.",
            where="--processes",
            fix="Use one process, or GPUs (SyncBatchNorm).",
        )


def _batch_statistics(networks: Mapping[str, Network]) -> str:
    """Say which networks have BatchNorm; nothing where none has."""
    found = [name or "the network" for name, network in networks.items() if network.smallest_batch > 1]
    return f"{', '.join(found)} has BatchNorm, whose statistics would be those of parts of a batch" if found else ""
