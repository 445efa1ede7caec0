"""The contract of an exporter, and how exporters are found."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Arrays = list[NDArray[np.float32]]
Names = tuple[Sequence[str], Sequence[str]]
"""Of inputs and of outputs."""
Opened = Callable[[Sequence[Tensor]], Arrays]
"""A file that was opened: inputs to outputs."""


@dataclass(frozen=True)
class Exporter:
    """One file format.

    Attributes:
        summary: One line for help.
        suffix: Of the file.
        write: Writes a network: (network, example inputs, input names, output names, path, whether the first axis may
            have any length, or that of the examples).
        open: Opens the file, with another program where there is one; (path, network) to a function from inputs to
            outputs.
    """

    summary: str
    suffix: str
    write: Callable[[nn.Module, Sequence[Tensor], Names, Path, bool], None]
    open: Callable[[Path, nn.Module], Opened]


def formats() -> list[str]:
    """Name the formats: modules of this folder, without this one."""
    return sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py") if path != Path(__file__))


def exporter(name: str) -> Exporter:
    """Return a format's record."""
    found: Exporter = importlib.import_module(f"geoml_cli.exporters.{name}").EXPORTER
    return found
