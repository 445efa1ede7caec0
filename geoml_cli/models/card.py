"""What a model says of itself before anything heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Card:
    """A model's entry in `geoml list`.

    Attributes:
        title: One line.
        paper: Authors, year, journal.
        doi: Of the paper.
        default_preset: The preset meant when none is named.
        licence: What may be done with the paper's released data or weights.
    """

    title: str
    paper: str
    doi: str
    default_preset: str
    licence: str
