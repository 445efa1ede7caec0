"""Where a preparation says what it does."""

from __future__ import annotations

from typing import NamedTuple

from geoml_cli.dataset.manifest import Funnel
from geoml_cli.work.reporting import Reporter


class PrepareLog(NamedTuple):
    """The terminal, and the filter summary that the data set keeps.

    Attributes:
        reporter: Receives progress and messages.
        funnel: Counts rows, and keeps notes.
    """

    reporter: Reporter
    funnel: Funnel

    def note(self, text: str) -> None:
        """Say a sentence, and keep it with the data set."""
        self.reporter.info(text)
        self.funnel.notes.append(text)
