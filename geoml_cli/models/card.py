"""What a model says of itself before anything heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass

from geoml_cli.source import Options


@dataclass(frozen=True)
class Demo:
    """What `geoml demo MODEL` does with synthetic data.

    Attributes:
        source: Makes them.
        steps: Command lines after `geoml prepare`, without the word geoml.
    """

    source: str
    # Words, not lines: nothing has to be quoted, or divided again.
    steps: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Card:
    """A model's entry in `geoml list`.

    Attributes:
        title: One line.
        paper: Authors, year, journal.
        doi: Of the paper; empty where it has none.
        default_preset: The preset meant when none is named.
        licence: What may be done with the paper's released data or weights.
        demo: A small run over all verbs.
        networks: Names of the model's networks, where it has several: a released checkpoint is imported for each.
        inputs: Options of the inputs that `geoml predict` takes, in addition to those of the model's sources.
    """

    title: str
    paper: str
    doi: str
    default_preset: str
    licence: str
    demo: Demo
    networks: tuple[str, ...] = ()
    inputs: tuple[type[Options], ...] = ()
