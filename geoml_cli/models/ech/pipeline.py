"""The two stages together: is there a wave, and how strong is it where there is one.

Legend: N rows, C = 2 columns (presence or its probability, amplitude [dB]), K statistics.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from geoml_cli.dataset.variables import Variable
from geoml_cli.metrics import regression
from geoml_cli.metrics.metric import Metric
from geoml_cli.models.ech.settings import EchTables
from geoml_cli.models.spec import Pipeline, Values
from geoml_cli.tasks.task import Task

_LOGIT = Variable("logit", "1", "logit of the presence of a wave")
_PROBABILITY = Variable("probability", "1", "probability of a wave")
_AMPLITUDE = Variable("amplitude", "dB", "amplitude of the wave, missing where none is predicted")
_RAW = Variable("amplitude_raw", "dB", "output of the regressor, whether or not a wave is predicted")
_COUNTS = ("hits", "misses", "false alarms", "correct absences")
_FEWEST = 2
"""Waves that a score of their amplitudes needs."""


def pipeline(tables: EchTables, names: tuple[str, ...]) -> Pipeline:
    """Return what the networks that are there give together."""
    return Pipeline(_task(tables.wave.probability, names), combine, observed, scored)


def outputs(threshold: float, names: tuple[str, ...]) -> tuple[Variable, ...]:
    """Describe what the networks that are there give together."""
    rule = f"1 where a wave is predicted (probability above {threshold:g}), else 0"
    presence = _LOGIT, _PROBABILITY, Variable("presence", "1", rule)
    if "classifier" not in names:
        return (_RAW,)
    return (*presence, _AMPLITUDE, _RAW) if "regressor" in names else presence


def combine(each: Mapping[str, Values]) -> Values:
    """Return the columns of `outputs`, shape [O, N], from each network's pooled outputs [O, N]."""
    if "classifier" not in each:
        return each["regressor"][:1]
    logit, probability, presence = each["classifier"]
    found = [logit, probability, presence]
    if "regressor" in each:
        amplitude = each["regressor"][0]
        found += [np.where(presence == 1, amplitude, np.nan), amplitude]
    return np.stack(found)


def observed(targets: Mapping[str, Values]) -> Values:
    """Return presence (0, 1) and amplitude [dB] where there was a wave, [N, 2]."""
    return np.stack([targets["classifier"], targets["regressor"]], axis=-1)


def scored(predicted: Mapping[str, Values]) -> Values:
    """Return probability and amplitude [dB], [N, 2]."""
    return np.stack([predicted["classifier"], predicted["regressor"]], axis=-1)


def _task(threshold: float, names: tuple[str, ...]) -> Task:
    def statistics(observed_NC: Values, predicted_NC: Values, weight_N: Values, reference_NC: Values) -> Values:
        """Return counts of decisions, then moments of the amplitudes of hits, [N, 4 + 9].

        Amplitudes can only be compared where a wave was both observed and predicted; how many waves that leaves out
        is counted next to them.
        """
        seen, predicted = observed_NC[:, 0] == 1, predicted_NC[:, 0] > threshold
        pairs = (seen & predicted, seen & ~predicted, ~seen & predicted, ~seen & ~predicted)
        counts = np.stack(pairs, axis=-1) * weight_N[:, None]
        # NaN spoils a sum whatever its weight: what is no hit is 0 before the moments are formed, and in them.
        hit = pairs[0] & np.isfinite(observed_NC[:, 1])
        amplitude = np.where(hit, observed_NC[:, 1], 0.0), np.where(hit, predicted_NC[:, 1], 0.0)
        moments = regression.moments(*amplitude, weight_N, np.where(hit, reference_NC[:, 1], 0.0))
        return np.concatenate([counts, np.where(hit[:, None], moments, 0.0)], axis=-1)

    def count(place: int) -> Metric:
        return Metric(_COUNTS[place], "count", "zero", statistics, lambda sums: np.asarray(sums[..., place]))

    def of_hits(metric: Metric) -> Metric:
        def value(sums: Values) -> Values:
            assert metric.value is not None, "a function of moments"
            moments = sums[..., len(_COUNTS) :]
            return np.where(moments[..., 0] >= _FEWEST, metric.value(moments), np.nan)

        return Metric(f"{metric.name} of hits", metric.unit, metric.best, statistics, value)

    of_amplitude = (regression.R2, regression.PEARSON, regression.RMSE, regression.MAE)
    metrics = (*(count(place) for place in range(len(_COUNTS))), *map(of_hits, of_amplitude))
    return Task(
        target=_AMPLITUDE,
        outputs=lambda members: outputs(threshold, names),
        # Each network's own task has pooled its members before `combine`.
        pool=lambda each: each,
        scored=0,
        metrics=metrics,
        ranking=of_hits(regression.RMSE),
        paired=of_hits(regression.MAE),
        baseline="none",
        has_residuals=False,
    )
