"""State dicts of other programs: torch files and safetensors, read without running what is in them."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from geoml_cli.errors import DataError, located
from geoml_cli.work.reasons import reason

_MAGIC = (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How torch files begin: a zip archive, or in old ones a pickle."""
_AVERAGED = re.compile(r"(.*_)?(ema|swa|averaged?|shadow)(_.*)?", re.IGNORECASE)
"""Names of entries that hold averaged weights, which papers evaluate; they come before the last step's."""
_WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model")
"""Other entries of a checkpoint that hold its weights."""
_BEGUN = ("n_averaged", "initted")
"""Ends of names of what counts the steps of an average, or says that it has begun: 0 where it is a network as it was
before training."""
_DEEPEST = 5
"""Entries within entries that are looked into: a damaged file may hold itself."""
_EXPORTED = "members.0."
"""Before every name in a file that `geoml export` wrote."""
_MASK = "mask"
"""In the names of buffers that may hold -inf."""


def state_dict(file: Path, notes: list[str] | None = None) -> dict[str, Tensor]:
    """Read a state dict from a torch file or safetensors; the file cannot run code.

    Args:
        file: The file.
        notes: Gets a sentence where the file holds other weights as well.

    Raises:
        DataError: It is missing, damaged, or holds more than tensors; or a weight is not finite.
    """
    if not file.is_file():
        raise DataError("there is no such file.", where=str(file), fix="Name the checkpoint's file.")
    with file.open("rb") as stream:
        head = stream.read(9)
    # The length of a header of safetensors, then the header: JSON.
    found = _tensors(file) if head[4:] == b"\0\0\0\0{" else _of_torch(file, head, [] if notes is None else notes)
    for name, values in found.items():
        _refuse_non_finite(name, values, file)
    return found


def _tensors(file: Path) -> dict[str, Tensor]:
    """Read a file of safetensors."""
    try:
        found = load_file(file)
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"cannot be read as safetensors ({reason(error)}).",
            where=str(file),
            fix="It may be truncated: fetch it again.",
        ) from error
    if any(name.startswith(_EXPORTED) for name in found):
        raise DataError(
            "holds networks and their scaling as `geoml export` writes them, without the settings they belong to.",
            where=str(file),
            fix="Take the run itself: `geoml bundle RUN` makes a folder of it to hand on.",
        )
    return found


def _of_torch(file: Path, head: bytes, notes: list[str]) -> dict[str, Tensor]:
    if head[:2] not in _MAGIC:
        raise DataError(
            "is no torch checkpoint.", where=str(file), fix="Name the file of weights (.pth, .pt, .safetensors)."
        )
    _refuse_damaged_archive(file)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickle protocols: what does not read is an error below
            content: Any = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise DataError(
            "holds more than tensors, or is damaged; nothing in it was run.",
            where=str(file),
            fix="Ask its author for the plain state dict.",
        ) from error
    except Exception as error:  # a damaged file makes the reader fail in whatever way its bytes lead to
        raise DataError(
            "cannot be read as a torch checkpoint.", where=str(file), fix="It may be truncated: fetch it again."
        ) from error
    with located(str(file)):
        for _ in range(_DEEPEST):
            content = _wrapped(content, notes) if isinstance(content, Mapping) else content
    if _has_not_begun(content):
        raise DataError(
            "holds an average of weights that has not begun: they are those of a network before training.",
            where=str(file),
            fix="Save the trained network's own weights, or those of a later step.",
        )
    if not _is_state_dict(content):
        entries = f": it holds {', '.join(map(str, content))}" if isinstance(content, Mapping) and content else ""
        raise DataError(
            f"is not a state dict{entries}.",
            where=str(file),
            fix="Name the file of weights, or save these alone: torch's network.state_dict() as safetensors.",
        )
    return {str(name): value for name, value in content.items()}


def _is_state_dict(content: object) -> bool:
    return isinstance(content, Mapping) and bool(content) and all(isinstance(one, Tensor) for one in content.values())


def _wrapped(content: Mapping[str, Any], notes: list[str]) -> Mapping[str, Any]:
    """Return the entry of a checkpoint that holds its weights; what has none is returned itself.

    Where it is one of two, such as an average, `notes` gets which it is.

    Raises:
        DataError: Several may be meant.
    """
    begun = {name: one for name, one in content.items() if not _has_not_begun(one)}
    content = begun if any(_weights_in(one) for one in begun.values()) else content
    sizes = {str(name): _weights_in(one) for name, one in content.items()}
    own = sum(isinstance(one, Tensor) and bool(one.ndim) and one.is_floating_point() for one in content.values())
    if own >= max(sizes.values(), default=0) / 2:  # not a mean or a score next to the weights
        return content
    # Histories and averages of losses, means of inputs and schedules are no weights.
    entries: dict[str, Mapping[str, Any]] = {
        str(name): one for name, one in content.items() if 0 < sizes[str(name)] >= max(sizes.values()) / 2
    }
    averaged = [name for name in entries if _AVERAGED.fullmatch(name)]
    known = next((name for name in _WRAPPERS if name in entries), None)
    first = averaged[0] if averaged else known
    alike = averaged or [name for name in entries if known is None or entries[name].keys() == entries[known].keys()]
    if len(alike) > 1:
        named = [first, *(name for name in alike if name != first)] if first else alike
        raise DataError(
            f"has several sets of weights ({', '.join(named)}): which of them counts is not known.",
            fix=f"Save one of them alone: safetensors.torch.save_file(torch.load(FILE)[{named[0]!r}], NEW).",
        )
    if not (taken := first or next(iter(alike), None)):
        return content
    if others := [name for name in entries if name != taken]:
        notes.append(f"its weights are those of {taken}; {', '.join(others)} is not used.")
    return entries[taken]


def _has_not_begun(entry: object) -> bool:
    """Return whether weights are an average of no steps."""
    return isinstance(entry, Mapping) and any(
        not (value.any() if isinstance(value, Tensor) else value)
        for name, value in entry.items()
        if str(name).rpartition(".")[2] in _BEGUN and isinstance(value, Tensor | bool | int | float)
    )


def _weights_in(entry: object, deepest: int = _DEEPEST) -> int:
    """Count the tensors of an entry, and of those in it, that may be weights: not those of an optimiser."""
    if not isinstance(entry, Mapping) or "param_groups" in entry or not deepest:
        return 0
    return sum(
        bool(value.ndim) if isinstance(value, Tensor) else _weights_in(value, deepest - 1) for value in entry.values()
    )


def _refuse_damaged_archive(file: Path) -> None:
    """Compare the checksum of every tensor of a zip archive, which torch does not."""
    if not zipfile.is_zipfile(file):
        return
    try:
        with zipfile.ZipFile(file) as archive:
            damaged = archive.testzip()
    except Exception as error:  # a damaged archive fails in whatever way its bytes lead to
        raise DataError("is a damaged archive.", where=str(file), fix="It may be truncated: fetch it again.") from error
    if damaged:
        raise DataError(f"{damaged} does not match its checksum.", where=str(file), fix="Fetch it again.")


def _refuse_non_finite(name: str, values: Tensor, file: Path) -> None:
    if values.layout != torch.strided or not values.is_floating_point():
        return
    is_wrong = torch.isnan if _MASK in name.rpartition(".")[2] else _is_not_finite
    if wrong := int(is_wrong(values).sum()):
        raise DataError(
            f"{wrong} of {values.numel()} weights of {name} are no numbers: the network would give none.",
            where=str(file),
            fix="Ask its author for the checkpoint of another step.",
        )
    if name.rpartition(".")[2] == "running_var" and bool((values < 0).any()):
        raise DataError(
            f"{int((values < 0).sum())} of {values.numel()} variances of {name} are below 0 (down to "
            f"{float(values.min()):g}): the network would give no number.",
            where=str(file),
            fix="The file is damaged: fetch it again, or ask its author for the checkpoint of another step.",
        )


def _is_not_finite(values: Tensor) -> Tensor:
    return ~torch.isfinite(values)
