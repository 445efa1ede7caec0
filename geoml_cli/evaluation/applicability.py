"""The area of applicability of a run, from its training and test rows and the importance of its covariates.

Legend: N samples, F summaries of inputs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geoml_cli.config.tables.evaluate import EvaluateSettings
from geoml_cli.evaluation.importance import covariates, importance
from geoml_cli.evaluation.inputs import EvaluationInputs
from geoml_cli.evaluation.member_rows import MemberRows
from geoml_cli.metrics.applicability import Applicability, fit
from geoml_cli.metrics.metric import Values
from geoml_cli.samples.summaries import summaries, summary_names
from geoml_cli.splits.split import Rows
from geoml_cli.work.distinct import distinct
from geoml_cli.work.reporting import Reporter

_MOST = 5000
"""Rows of each subset of a fold that are looked at."""
_IMPORTANCE = EvaluateSettings(importance_repeats=1, importance_rows=500)


def area_of(inputs: EvaluationInputs, members: list[MemberRows], reporter: Reporter) -> Applicability | None:
    """Return the area of a network; None where its inputs have no distance, as codes of classes.

    Args:
        inputs: The network, whose test rows are evaluated.
        members: Their predictions of these rows.
        reporter: Receives progress.
    """
    if not summary_names(inputs.samples):
        return None
    one_a_fold = list({member.fold: member for member in reversed(members)}.values())
    splits = [inputs.run.split(member.name) for member in one_a_fold]
    folds = [(_some(split.train), _some(split.test)) for split in splits]
    used = distinct(*[rows for pair in folds for rows in pair])
    features_NF = summaries(inputs.samples, used)
    placed = [(np.searchsorted(used, train), np.searchsorted(used, test)) for train, test in folds]
    return fit(features_NF, _weights(inputs, one_a_fold, reporter), placed)


def _some(rows: Rows) -> Rows:
    """Return some rows, always the same ones."""
    if len(rows) <= _MOST:
        return rows
    chosen: Rows = np.random.default_rng(1).choice(rows, _MOST, replace=False)
    return np.sort(chosen)


def _weights(inputs: EvaluationInputs, members: list[MemberRows], reporter: Reporter) -> Values:
    """Weigh every summary by the permutation importance of its covariate, the mean over members, [F]; 0 at least."""
    shared = inputs.settings.shared.model_copy(update={"evaluate": _IMPORTANCE})
    found = importance(replace(inputs, settings=replace(inputs.settings, shared=shared)), members, reporter)
    of_variable = {
        (name, place): max(float(found[label].mean()), 0.0)
        for label, covariate in covariates(inputs.samples).items()
        for name, places in covariate.places.items()
        for place in places
    }
    return np.array([of_variable[one.input, one.place] for one in summary_names(inputs.samples)])
