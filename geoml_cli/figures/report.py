"""An evaluation as one HTML file that needs nothing else: no network, no folder next to it."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

_TEMPLATE = "report.html.j2"


@dataclass(frozen=True)
class ReportTable:
    """A table of texts; the first cell of each row names the row.

    Attributes:
        file: The CSV file that holds it with all digits, as seen from the report; empty for none.
    """

    title: str
    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    file: str = ""


@dataclass(frozen=True)
class ReportFigure:
    """A figure: `text` says in words what is seen, for those who cannot see it."""

    title: str
    caption: str
    text: str
    png: bytes

    @property
    def source(self) -> str:
        """Return the image as a data URI."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


@dataclass(frozen=True)
class Report:
    """What a report says; every text is plain and escaped on the way into HTML.

    Attributes:
        title: Page title.
        summary: Which of network and baselines wins, in a sentence.
        facts: What was evaluated: pairs of name and value.
        warnings: What must be known before a number is quoted.
        tables: In order.
        figures: In order.
        missing: What is not shown, and why.
        lead: Score, coverage and baselines on single lines, on the first screen with the first two figures.
    """

    title: str
    summary: str
    facts: Sequence[tuple[str, str]]
    warnings: Sequence[str]
    tables: Sequence[ReportTable]
    figures: Sequence[ReportFigure]
    missing: Sequence[str]
    lead: ReportTable | None = None


def render(report: Report) -> str:
    """Return the report as HTML."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    from importlib.resources import files

    text = files("geoml_cli.figures").joinpath(_TEMPLATE).read_text(encoding="utf-8")
    return environment.from_string(text).render(report=report) + "\n"
