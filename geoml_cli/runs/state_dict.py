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
_MASK = "mask"
"""In the names of buffers that may hold -inf."""


def state_dict(file: Path) -> dict[str, Tensor]:
    """Read a state dict from a torch file or safetensors; the file cannot run code.

    Raises:
        DataError: It is missing, damaged, or holds more than tensors; or a weight is not finite.
    """
    if not file.is_file():
        raise DataError("there is no such file.", where=str(file), fix="Name the checkpoint's file.")
    with file.open("rb") as stream:
        head = stream.read(9)
    # The length of a header of safetensors, then the header: JSON.
    found = _tensors(file) if head[4:] == b"\0\0\0\0{" else _of_torch(file, head)
    for name, values in found.items():
        _refuse_non_finite(name, values, file)
    return found


def _tensors(file: Path) -> dict[str, Tensor]:
    """Read a file of safetensors."""
    try:
        return load_file(file)
    except (SafetensorError, OSError) as error:
        raise DataError(
            f"cannot be read as safetensors ({reason(error)}).",
            where=str(file),
            fix="It may be truncated: fetch it again.",
        ) from error


def _of_torch(file: Path, head: bytes) -> dict[str, Tensor]:
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
        while isinstance(content, Mapping) and (inner := _wrapped(content)) is not None:
            content = inner
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(isinstance(value, Tensor) for value in content.values())
    ):
        raise DataError("is not a state dict.", where=str(file), fix="Name the file of weights.")
    return {str(name): value for name, value in content.items()}


def _wrapped(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the entry of a checkpoint that holds its weights; None of a state dict itself.

    Raises:
        DataError: Several may be meant.
    """
    entries: dict[str, Mapping[str, Any]] = {
        str(name): entry for name, entry in content.items() if _may_hold_weights(entry)
    }
    if averaged := [name for name in entries if _AVERAGED.fullmatch(name)]:
        return entries[averaged[0]]
    known = next((name for name in _WRAPPERS if name in entries), None)
    if known is None:
        return None
    alike = [name for name in entries if name != known and entries[name].keys() == entries[known].keys()]
    if alike:
        raise DataError(
            f"has several sets of weights ({', '.join([known, *alike])}): which of them counts is not known.",
            fix="Save one of them alone.",
        )
    return entries[known]


def _may_hold_weights(entry: object) -> bool:
    """Return whether an entry holds tensors, or entries of its own."""
    return isinstance(entry, Mapping) and any(isinstance(value, (Tensor, Mapping)) for value in entry.values())


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


def _is_not_finite(values: Tensor) -> Tensor:
    return ~torch.isfinite(values)
