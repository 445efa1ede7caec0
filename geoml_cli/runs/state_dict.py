"""State dicts of other programs: torch files, read without running what is in them."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from geoml_cli.errors import DataError

_MAGIC = (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How torch files begin: a zip archive, or in old ones a pickle."""
_NUMBERS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)
_WRAPPERS = ("state_dict", "model_state_dict", "model_state", "ema", "model")
"""Entries of a checkpoint that hold its weights; averaged ones, which papers evaluate, before the last step's."""


def state_dict(file: Path) -> dict[str, Tensor]:
    """Read a state dict from a torch file; the file cannot run code.

    Raises:
        DataError: It is missing, damaged, or holds more than tensors; or a weight is NaN.
    """
    if not file.is_file():
        raise DataError("there is no such file.", where=str(file), fix="Name the checkpoint's file.")
    with file.open("rb") as stream:
        if stream.read(2) not in _MAGIC:
            raise DataError("is no torch checkpoint.", where=str(file), fix="Name the file of weights (.pth, .pt).")
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
    for wrapper in _WRAPPERS:
        if isinstance(content, Mapping) and isinstance(content.get(wrapper), Mapping):
            content = content[wrapper]
    if (
        not isinstance(content, Mapping)
        or not content
        or not all(isinstance(value, Tensor) for value in content.values())
    ):
        raise DataError("is not a state dict.", where=str(file), fix="Name the file of weights.")
    found = {str(name): value for name, value in content.items()}
    _refuse_nan(found, file)
    return found


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


def _refuse_nan(weights: Mapping[str, Tensor], file: Path) -> None:
    for name, values in weights.items():
        if values.dtype not in _NUMBERS or values.layout != torch.strided:
            continue
        if wrong := int(torch.isnan(values).sum()):  # a buffer may hold -inf, such as a mask
            raise DataError(
                f"{wrong} of {values.numel()} weights of {name} are no numbers: the network would give none.",
                where=str(file),
                fix="Ask its author for the checkpoint of another step.",
            )
