"""Typed settings of a run: the shared tables, and the model's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from geoml_cli.config.tables.evaluate import EvaluateSettings
from geoml_cli.config.tables.paper import PaperSettings
from geoml_cli.config.tables.train import ExportSettings, PredictSettings, TrainSettings
from geoml_cli.samples.settings import InputSettings, Table, TargetSettings
from geoml_cli.splits.settings import SplitSettings

if TYPE_CHECKING:
    from geoml_cli.models.tables import ModelTables


class DataSettings(Table):
    """`[data]`: the prepared data set."""

    verify: bool = True
    """Read the data set whole and compare its checksum, once a command; turn it off where that takes too long."""

    step: str = ""
    """Time step of the data that the preset is meant for (year, month, day, hour, half-hour); empty for any."""

    options: dict[str, str | int | float | bool | list[str]] = Field(default_factory=dict)
    """Options of `geoml prepare` that the preset is meant for, by name, such as `fill`. Data prepared with other values
    are accepted with a warning, which the evaluation repeats; options that are not named may have any value."""


class SharedTables(Table):
    """What every preset may say."""

    model: str
    """The model the preset belongs to."""

    source: str
    """The source whose prepared data it trains on."""

    summary: str = ""
    """One line for `geoml list`."""

    data: DataSettings = DataSettings()
    split: SplitSettings = SplitSettings()
    inputs: InputSettings = InputSettings()
    target: TargetSettings = TargetSettings()
    train: TrainSettings = TrainSettings()
    evaluate: EvaluateSettings = EvaluateSettings()
    predict: PredictSettings = PredictSettings()
    export: ExportSettings = ExportSettings()
    paper: PaperSettings = PaperSettings()


@dataclass(frozen=True)
class Settings:
    """Settings, validated, and where each value came from.

    Attributes:
        preset: The preset's name.
        shared: The tables that every model has.
        own: The model's own tables.
        origins: Dotted key to origin, for every key that is not at its default.
    """

    preset: str
    shared: SharedTables
    own: ModelTables
    origins: dict[str, str]

    @property
    def model(self) -> str:
        """The model's name."""
        return self.shared.model

    def values(self) -> dict[str, Any]:
        """Return every setting as nested plain values."""
        return {**self.shared.model_dump(mode="json"), **self.own.model_dump(mode="json")}

    def flat(self) -> dict[str, Any]:
        """Return every setting by dotted key."""
        return dict(_flat(self.values()))

    def traced(self) -> dict[str, dict[str, Any]]:
        """Return every setting by dotted key, with its value and where it came from."""
        return {key: {"value": value, "from": self.origins.get(key, "default")} for key, value in self.flat().items()}


def _flat(table: dict[str, Any], above: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in table.items():
        rows += _flat(value, f"{above}{name}.") if isinstance(value, dict) else [(f"{above}{name}", value)]
    return rows
