"""The result of an evaluation, computed once; writers only render it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from geoml_cli.evaluation.audited import Line
from geoml_cli.evaluation.claims import Claim
from geoml_cli.evaluation.class_accuracy import ClassAccuracy
from geoml_cli.evaluation.collocation import StationCollocation
from geoml_cli.evaluation.comparison import BaselineResults, shortly, summarise
from geoml_cli.evaluation.distances import SplitDistances
from geoml_cli.evaluation.groupwise import GroupScores
from geoml_cli.evaluation.interval_scores import IntervalScores
from geoml_cli.evaluation.member_rows import MemberRows, PooledRows
from geoml_cli.evaluation.scores import ModelScores
from geoml_cli.metrics.metric import Values
from geoml_cli.metrics.multiclass import Counts
from geoml_cli.samples.labels import Labels
from geoml_cli.tasks.task import Task

if TYPE_CHECKING:
    from geoml_cli.evaluation.place_series import PlaceSeries
    from geoml_cli.evaluation.station_scores import StationScores


@dataclass(frozen=True)
class ConfusionMatrix:
    """Counts by observed class (rows) and predicted class (columns), over the classes that occur."""

    names: Sequence[str]
    counts: Counts


@dataclass(frozen=True)
class ExampleForecast:
    """One forecast and what was observed.

    Attributes:
        labels: Name of every forecast time step, [L].
        truth_LYX: On the data set's grid, NaN where missing.
        forecast_LYX: Likewise.
    """

    labels: Sequence[str]
    truth_LYX: Values
    forecast_LYX: Values


@dataclass(frozen=True)
class ForecastMaps:
    """What forecasts of maps give in addition to scores; models are the network, its members and the baselines.

    Attributes:
        step: What a lead time is counted in.
        starts: Name of the first forecast time step of each forecast, [N].
        rmse: By model, root mean square error of every forecast and lead time, [N, L].
        cells: By model, count, sum of errors and of squared errors over forecasts and lead times of every cell,
            [3, y, x].
        power: By model and `observed`, mean power spectrum of scaled anomalies by lead time and wavenumber, [L, F].
        example: The forecast whose error is the median of all.
    """

    step: str
    starts: Sequence[str]
    rmse: Mapping[str, Values]
    cells: Mapping[str, Values]
    power: Mapping[str, Values]
    example: ExampleForecast


@dataclass(frozen=True)
class EvaluationResult:
    """All results of the evaluation of one network, or of a pipeline of several.

    Attributes:
        task: What was predicted.
        pooled: Rows of all folds.
        network: Scores of the pooled predictions.
        groupwise: Scores by group, network and baselines.
        claims: Where two kinds of groups are held out, scores of the rows that are unseen in each way.
        members: Rows and predictions of each member; none for a pipeline, as the following.
        member_scores: Scores of every member.
        baselines: Compared with the network, or why there are none.
        importance: By covariate, increase of the ranking score in each member and repeat.
        confusion: Where classes are predicted.
        classes: Scores of each, likewise.
        notes: What must be known before a number is quoted.
        maps: Where maps are forecast; pooled rows then hold no values.
        collocation: Errors of observations, reference and network at stations, where there are all three.
        intervals: How good the prediction intervals are; None where there are none.
        audit: Whether anything of the test rows reached training.
        novelty_P: What is unseen about each pooled row; None where rows are held out in one way only.
        distances: Of test samples from training samples, and of the map from samples; None for a pipeline.
        stations: Scores of every station and model; none without stations.
        series: Rows of places in the order of time; None where they have no place or no time.
    """

    task: Task
    pooled: PooledRows
    network: ModelScores
    groupwise: Sequence[GroupScores]
    claims: Sequence[Claim] = ()
    members: Sequence[MemberRows] = ()
    member_scores: Sequence[ModelScores] = ()
    baselines: BaselineResults = field(default_factory=BaselineResults)
    importance: Mapping[str, Values] = field(default_factory=dict)
    confusion: ConfusionMatrix | None = None
    classes: ClassAccuracy | None = None
    notes: Sequence[str] = ()
    maps: ForecastMaps | None = None
    collocation: StationCollocation | None = None
    intervals: IntervalScores | None = None
    audit: Sequence[Line] = ()
    novelty_P: Labels | None = None
    distances: SplitDistances | None = None
    stations: Sequence[StationScores] = ()
    series: PlaceSeries | None = None

    @property
    def summary(self) -> str:
        """Say which wins: in a sentence, or in one for each claim, where rows are unseen in several ways."""
        if not self.claims:
            return summarise(self.task, self.network, self.baselines.comparisons)
        each = [(claim, summarise(self.task, claim.network, claim.baselines)) for claim in self.claims]
        return " ".join(f"{claim.name.capitalize()} ({claim.network.rows} rows): {text}" for claim, text in each)

    @property
    def headline(self) -> str:
        """Say which wins in a few words for each claim, where there are several; else as `summary`."""
        if not self.claims:
            return self.summary
        return self.shortest

    @property
    def shortest(self) -> str:
        """Say which wins in a few words, for each claim where there are several."""
        if not self.claims:
            return shortly(self.task, self.network, self.baselines.comparisons)
        each = [(claim, shortly(self.task, claim.network, claim.baselines)) for claim in self.claims]
        return " ".join(f"{claim.name.capitalize()}: {text}" for claim, text in each)

    @property
    def models(self) -> dict[str, Values]:
        """Return the pooled predictions of the network and of every baseline, by name; a reference comes first."""
        found = [(one.baseline.name, one.predicted_P) for one in self.baselines.comparisons]
        found.insert(self.baselines.references, (self.network.name, self.pooled.predicted_P))
        return dict(found)
