"""The two stages together: is there a wave, and how strong is it where there is one."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from geoml_cli.metrics.regression import mae, pearson, r2, rmse
from geoml_cli.models.ech.settings import EchTables
from geoml_cli.models.spec import Combined, Quantity, Values

_LOGIT = Quantity("logit", "1", "logit of the presence of a wave")
_PROBABILITY = Quantity("probability", "1", "probability of a wave")
_PRESENCE = Quantity("presence", "1", "1 where a wave is predicted, else 0")
_AMPLITUDE = Quantity("amplitude", "dB", "amplitude of the wave, missing where none is predicted")
_RAW = Quantity("amplitude_raw", "dB", "output of the regressor, whether or not a wave is predicted")
_FEWEST = 2
"""Waves that a score of their amplitudes needs."""


def probability(logit: Values) -> Values:
    """Return the probability of a logit."""
    from scipy.special import expit

    return np.asarray(expit(logit), dtype=np.float64)


def columns(tables: EchTables, parts: tuple[str, ...]) -> tuple[Quantity, ...]:
    """Name what comes out of the parts that are there."""
    if parts == ("classifier",):
        return (_LOGIT, _PROBABILITY, _PRESENCE)
    if parts == ("regressor",):
        return (_RAW,)
    return (_LOGIT, _PROBABILITY, _PRESENCE, _AMPLITUDE, _RAW)


def values(tables: EchTables, outputs: Mapping[str, Values]) -> Values:
    """Return the columns, shape [columns, N], from the mean logit and the mean amplitude [dB] of the members."""
    if "classifier" not in outputs:
        return outputs["regressor"][None]
    logit = outputs["classifier"]
    likely = probability(logit)
    present = likely > tables.wave.probability
    found = [logit, likely, present.astype(np.float64)]
    if "regressor" in outputs:
        found += [np.where(present, outputs["regressor"], np.nan), outputs["regressor"]]
    return np.stack(found)


def scores(
    tables: EchTables, observed: Mapping[str, Values], predicted: Mapping[str, Values]
) -> dict[str, tuple[float, str]]:
    """Score the chain end to end, each score with its unit.

    Amplitudes can only be compared where a wave was both seen and predicted; how many waves that leaves out stands
    beside them.

    Args:
        tables: The model's.
        observed: Presence (0, 1), and amplitude [dB] where there was a wave, by part.
        predicted: Probability and amplitude [dB], by part.
    """
    seen, told = observed["classifier"] == 1, predicted["classifier"] > tables.wave.probability
    measured = np.isfinite(observed["regressor"])
    hit = seen & told & measured
    found: dict[str, tuple[float, str]] = {
        "hits": (float((seen & told).sum()), "rows"),
        "misses": (float((seen & ~told).sum()), "rows"),
        "false alarms": (float((~seen & told).sum()), "rows"),
        "correct absences": (float((~seen & ~told).sum()), "rows"),
    }
    if hit.sum() >= _FEWEST:
        pair = observed["regressor"][hit], predicted["regressor"][hit]
        named = {"R2": r2, "R": pearson}
        found |= {f"{name} of hits": (score(*pair), "1") for name, score in named.items()}
        found |= {f"{name} of hits": (score(*pair), "dB") for name, score in {"RMSE": rmse, "MAE": mae}.items()}
    return found


COMBINED: Combined[EchTables] = Combined(columns, values, scores)
