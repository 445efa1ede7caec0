"""Seeds of a fold that are trained at once: which runs can, which members go together, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from geoml_cli.config.tables.train import TrainSettings
from geoml_cli.errors import SettingsError
from geoml_cli.models.spec import Network
from geoml_cli.splits.split import Split

_WHERE, _WITHOUT = "[train] seeds_at_once", "--set train.seeds_at_once=false"


def refuse_at_once(networks: Mapping[str, Network], settings: TrainSettings) -> None:
    """Refuse to train seeds at once where that is not known to be faster, or to give the same.

    Raises:
        SettingsError: A network cannot be stacked, or another setting does not go with it.
    """
    if not settings.seeds_at_once:
        return
    if unfit := [name or "this network" for name, network in networks.items() if not network.stackable]:
        raise SettingsError(
            f"seeds_at_once = true, but {', '.join(unfit)} cannot be trained with stacked weights.",
            where=_WHERE,
            fix=f"Use {_WITHOUT}.",
        )
    others = {"precision": ("fp32", settings.precision), "accumulate": (1, settings.accumulate),
              "cuda_graphs": (False, settings.cuda_graphs)}  # fmt: skip
    for name, (needed, given) in others.items():
        if given != needed:
            shown = str(needed).lower()
            raise SettingsError(
                f"seeds_at_once = true goes with {name} = {shown} alone, not {str(given).lower()}.",
                where=_WHERE,
                fix=f"Use {_WITHOUT}, or --set train.{name}={shown}.",
            )


def refuse_processes_at_once(settings: TrainSettings, processes: int) -> None:
    """Refuse to divide the batches of seeds that are trained at once among processes.

    Raises:
        SettingsError: Several processes train a member.
    """
    if settings.seeds_at_once and processes > 1:
        raise SettingsError(
            f"seeds_at_once = true, but {processes} processes train each member.",
            where=_WHERE,
            fix=f"Use one process, or {_WITHOUT}.",
        )


def not_at_once(settings: TrainSettings, seeds: int, device: torch.device) -> str:
    """Say why seeds are trained one after another although the settings ask otherwise; empty where nothing is amiss.

    Not an error: a run that began on the CPU may go on on a card.

    Args:
        settings: The preset's `[train]`.
        seeds: Of a fold.
        device: Where training is.
    """
    if not settings.seeds_at_once:
        return ""
    if seeds == 1:
        return "seeds_at_once = true changes nothing here: split.seeds names one seed."
    return "" if device.type == "cpu" else f"seeds_at_once = true changes nothing here: training is on {device.type}."


def groups(splits: Mapping[str, Split], *, at_once: bool) -> list[list[str]]:
    """Return the members that are trained at once, group by group: the seeds of a fold, or each alone.

    Args:
        splits: Of the members, in their order.
        at_once: Whether seeds are.
    """
    if not at_once:
        return [[name] for name in splits]
    found: dict[tuple[str, str], list[str]] = {}
    for name, split in splits.items():
        found.setdefault((split.network, split.fold), []).append(name)
    return list(found.values())


def shown(names: Sequence[str]) -> str:
    """Name a group of members in a line."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
