"""A model with the data of its demo and a short training, and what stops one."""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from geoml_cli import registry
from geoml_cli.config.load import load
from geoml_cli.config.settings import Settings
from geoml_cli.dataset.store import Dataset
from geoml_cli.runs.run import Run
from geoml_cli.work.reporting import NullReporter

STEPS = (
    "train.steps=6",
    "train.evaluate_steps=3",
    "train.threads=1",
    "split.seeds=[1,2]",
)


@dataclass(frozen=True)
class Case:
    """A model with the data of its demo and a short training, and what stops one."""

    settings: Settings
    dataset: Dataset
    run: Run


def settings_of_demo(model: str, *further: str) -> Settings:
    """Return the settings that a model's demo trains with, for a few steps, and further ones."""
    words = registry.card(model).demo.steps[0]
    pairs = list(itertools.pairwise(words))
    preset = next((value for word, value in pairs if word == "--preset"), None)
    assignments = [value for word, value in pairs if word == "--set"]
    # Epochs and steps exclude each other: the short training counts steps.
    kept = [text for text in assignments if not text.startswith(("train.epochs", "train.evaluate_epochs"))]
    return load(model, preset, None, {}, [*kept, *STEPS, *further])


class Interrupting(NullReporter):
    """Sends SIGTERM to this process after some steps of a progress bar."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self._left = after

    @contextmanager
    def task(self, name: str, total: int | None) -> Iterator[object]:
        def advance(steps: int) -> None:
            self._left -= steps
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGTERM)

        yield advance
