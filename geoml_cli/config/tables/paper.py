"""The `[paper]` table: what a paper publishes of the task that a preset is of."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from geoml_cli.samples.settings import Table


class PaperNumber(Table):
    """A published score."""

    metric: str
    """Its name, as evaluations write it."""

    value: float
    """As published."""

    unit: str = "1"
    """Its unit; a score of another unit is not compared with it."""

    network: str = ""
    """The network it is of, where the model has several."""


class PaperSettings(Table):
    """`[paper]`: the paper's numbers and how they were reached; `geoml reproduce` sets a run next to them."""

    numbers: tuple[PaperNumber, ...] = ()
    """Published scores; none where the paper gives none that could be had."""

    target: str = ""
    """How names of the quantity begin that they are of, such as `NEE`; empty where any target is meant."""

    found_in: str = ""
    """Where they stand, such as `abstract`."""

    protocol: str = ""
    """How rows were divided and the best weights chosen, as far as that is known."""

    data: str = ""
    """What they were reached on."""

    public: bool = False
    """The data can be had: a number that is not met is then a failure (exit code 4)."""

    reasons: tuple[str, ...] = ()
    """What else explains a difference."""

    without_leaks: tuple[str, ...] = ()
    """Settings, as for `--set`, by which the same network is trained on a split that does not leak, as well as on the
    paper's; none where the preset's own split does not."""

    @model_validator(mode="after")
    def _check_numbers(self) -> Self:
        names = [(number.network, number.metric) for number in self.numbers]
        if twice := [name for name in names if names.count(name) > 1]:
            raise ValueError(f"numbers names {'/'.join(filter(None, twice[0]))} twice")
        return self
