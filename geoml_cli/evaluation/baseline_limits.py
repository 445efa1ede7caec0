"""Intervals and area of applicability of a baseline that predicts in a network's place.

Both follow from the held-out rows of the folds, as those of a network do: the baseline of a fold predicts its test
rows, and variables are weighted by their importance for the baseline.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from geoml_cli.evaluation.applicability import area_of
from geoml_cli.evaluation.calibration import calibration_of_rows, has_test_rows
from geoml_cli.evaluation.inputs import EvaluationInputs, observed
from geoml_cli.evaluation.member_rows import predict_members
from geoml_cli.inference.baseline_run import BaselineLimits, BaselineRun
from geoml_cli.inference.fitted_baseline import FittedBaseline
from geoml_cli.work.reporting import Reporter


def with_limits(run: BaselineRun, reporter: Reporter) -> BaselineRun:
    """Return the run with the limits of its baseline.

    Raises:
        DataError: A covariate is missing, or an observation has no logarithm.
    """
    return replace(run, limits={name: _limits(run, fitted, reporter) for name, fitted in run.fitted.items()})


def _limits(run: BaselineRun, fitted: FittedBaseline, reporter: Reporter) -> BaselineLimits:
    predict = run.settings.shared.predict
    if not predict.coverage and not predict.applicability:
        return BaselineLimits()
    if set(run.members) != set(run.run.planned()):
        return BaselineLimits(reason="they hold of all members together, not of some")
    inputs = _inputs(fitted)
    if not has_test_rows(inputs):
        return BaselineLimits(reason="a member has no test rows")
    if missing := _without_prediction(fitted, inputs):
        return BaselineLimits(reason=f"{run.baseline} predicts no value for {missing} held-out rows")
    members = predict_members(inputs, reporter)
    # What fills records of the run alone cannot be given others to see which variable matters; networks one after
    # another have an area each, of which none is that of what they give together.
    is_area = predict.applicability and not fitted.is_own and len(run.networks) == 1
    return BaselineLimits(
        calibration=calibration_of_rows(inputs, members) if predict.coverage else None,
        area=area_of(inputs, members, reporter) if is_area else None,
    )


def _inputs(fitted: FittedBaseline) -> EvaluationInputs:
    """Open the fitted folds as the members of a network are opened."""
    return EvaluationInputs(
        run=fitted.run.run,
        dataset=fitted.dataset,
        settings=fitted.run.settings,
        network=fitted.network,
        samples=fitted.samples,
        task=fitted.task,
        predictors={one.member: one.predict for one in fitted.folds},
        subset="test",
        network_name=fitted.network_name,
        smearing={one.member: one.smearing for one in fitted.folds},
    )


def _without_prediction(fitted: FittedBaseline, inputs: EvaluationInputs) -> int:
    """Return of how many held-out rows a baseline of the network itself gives no value; others give all."""
    if not fitted.is_own:
        return 0
    truth_N = observed(inputs)
    tests = {one.member: inputs.run.split(one.member).test for one in fitted.folds}
    return sum(
        int((~np.isfinite(predict(inputs.samples, tests[name][np.isfinite(truth_N[tests[name]])]))).sum())
        for name, predict in inputs.predictors.items()
    )
