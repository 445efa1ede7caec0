from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from evaluation_case import COVARIATES, Case, fields, signal

from geoml_cli.config.tables.evaluate import EvaluateSettings
from geoml_cli.dataset.variables import Variable
from geoml_cli.evaluation.comparison import BaselineComparison, compare_all, compare_with, p_text, shortly, summarise
from geoml_cli.evaluation.importance import Covariate, covariates, importance, shuffled
from geoml_cli.evaluation.member_rows import predict_members
from geoml_cli.evaluation.notes import beside_intervals
from geoml_cli.evaluation.scores import ModelScores, Score
from geoml_cli.metrics.compare import Comparison
from geoml_cli.metrics.intervals import Interval
from geoml_cli.metrics.regression import RMSE
from geoml_cli.samples.samples import Input, Samples, Target
from geoml_cli.tasks.regression import regression
from geoml_cli.work.numbers import format_number, format_share, unit_text
from geoml_cli.work.reporting import NullReporter

NAN = float("nan")


TASK = regression(Variable("soc", "g kg-1", "soil organic carbon"), (RMSE,))
NONE = np.empty(0)


def scored(name: str, rmse: float) -> ModelScores:
    return ModelScores(name, 100, 40, {"RMSE": Score(rmse, rmse - 1, rmse + 1, "g kg-1")}, rmse, NONE, NONE)


def test_a_score_beside_its_own_interval_is_told():
    """So a KGE of few unlike groups, whose draws are all lower."""
    beside = {"KGE": Score(0.6, 0.2, 0.55, "1"), "R2": Score(0.5, NAN, NAN, "1"), "RMSE": Score(2.0, 1.0, 3.0, "1")}
    plain, biased = scored("soc", 2.0), replace(scored("soc", 2.0), scores=beside, groups=4)
    assert beside_intervals({"": plain, "unseen year": plain}) == []
    [note] = beside_intervals({"": plain, "unseen year": biased})
    assert note.startswith("KGE (unseen year): outside of the interval, as resampling 4 groups biases it.")


def _paired(difference: float, bounds: tuple[float, float], p: float) -> Comparison:
    return Comparison(difference, Interval(*bounds), p, 40, ranks=difference)


def against(name: str, rmse: float, network: float, bounds: tuple[float, float], p: float) -> BaselineComparison:
    return BaselineComparison(scored(name, rmse), "", _paired(network - rmse, bounds, p), np.empty(0))


@pytest.mark.parametrize(
    ("network", "bounds", "p", "sentence"),
    [
        (
            4.0,
            (-1.5, -0.5),
            0.0004,
            "The soc network wins: RMSE 4 g kg-1; forest, the best baseline, 5 g kg-1; "
            "difference (soc - forest) -1 [-1.50, -0.500] g kg-1 "
            "(95 % bootstrap over 40 groups), Wilcoxon signed-rank test of mean errors by group p < 0.001 "
            "(Holm, 2 baselines).",
        ),
        (
            5.5,
            (0.25, 0.75),
            0.0123,
            "forest wins: RMSE 5 g kg-1; the soc network 5.50 g kg-1; difference (soc - forest) 0.500 "
            "[0.250, 0.750] g kg-1 "
            "(95 % bootstrap over 40 groups), Wilcoxon signed-rank test of mean errors by group p = 0.012 "
            "(Holm, 2 baselines).",
        ),
        (
            4.9,
            (-0.4, 0.2),
            0.3,
            "No difference shown between the soc network and forest, the best baseline: RMSE 4.90 and 5 g kg-1, "
            "difference (soc - forest) -0.100 [-0.400, 0.200] g kg-1 (95 % bootstrap over 40 groups), "
            "Wilcoxon signed-rank test of mean errors by group p = 0.3 (Holm, 2 baselines).",
        ),
        (
            4.0,
            (NAN, NAN),
            NAN,
            "The RMSE of the soc network is 4 g kg-1, that of forest, the best baseline, 5 g kg-1; the rows do not "
            "allow an interval or a test of the difference.",
        ),
    ],
)
def test_the_verdict_names_the_best_baseline_and_the_winner(
    network: float, bounds: tuple[float, float], p: float, sentence: str
) -> None:
    worse = against("mean", 9.0, network, (-9, -4), 0.0)
    best = against("forest", 5.0, network, bounds, p)
    assert summarise(TASK, scored("soc", network), [worse, best]) == sentence


def test_few_groups_are_not_called_no_difference() -> None:
    few = against("forest", 5.0, 4.0, (-1.5, -0.5), 0.25)
    few = replace(few, comparison=replace(few.comparison, groups=3))
    told = summarise(TASK, scored("soc", 4.0), [few])
    assert told.startswith(
        "Too few groups to test (3, 6 are needed): the RMSE of the soc network is 4 g kg-1, that of "
    )


def test_rows_of_one_group_allow_no_interval_and_no_test() -> None:
    one = against("forest", 5.0, 4.0, (NAN, NAN), NAN)
    one = replace(one, comparison=replace(one.comparison, groups=1))
    assert summarise(TASK, scored("soc", 4.0), [one]).endswith(
        "all rows are of one group, so there is no interval and no test."
    )


def test_p_values_of_several_baselines_are_holm_s() -> None:
    def model(name: str, error_G: np.ndarray, rmse: float) -> ModelScores:
        return replace(scored(name, rmse), error_G=error_G)

    groups = np.arange(1.0, 9.0)
    network, near, far = (
        model("soc", groups, 1.0),
        model("near", groups + np.array([-1, 2, 3, 4, 5, 6, 7, 8]), 2.0),
        model("far", 9 + groups, 3.0),
    )
    alone = [compare_with(network, other).p_value for other in (near, far)]
    assert alone == pytest.approx([0.015625, 0.0078125])
    both = compare_all(network, [far, near], {"near": "", "far": ""})
    assert [one.baseline.name for one in both] == ["near", "far"]
    assert [one.comparison.p_value for one in both] == pytest.approx(
        [0.015625, 0.015625]
    )  # 2 x the least, then the other


def test_numbers_for_people() -> None:
    for value, text in (
        (12.8812, "12.9"),
        (0.00012345, "0.000123"),
        (1.2345e-7, "1.23e-07"),
        (3.0001, "3.00"),
        (-1234.5, "-1230"),
        (0.09996, "0.100"),
        (12345.0, "12345"),
        (4.2e7, "4.2e+07"),
        (0.0, "0"),
        (NAN, "n/a"),
        (float("inf"), "n/a"),
    ):
        assert format_number(value) == text
    assert [format_share(v) for v in (0.9, 0.29, 0.884, 0.9996)] == ["90 %", "29 %", "88.4 %", "100 %"]
    assert [unit_text(unit, "SOC") for unit in ("%", "g kg-1")] == ["% SOC", "g kg-1"]
    assert [p_text(v) for v in (0.001, 0.00099)] == ["p = 0.001", "p < 0.001"]


def two_inputs() -> Samples:
    generator = np.random.default_rng(0)
    static = Input(generator.normal(size=(9, 4, 5, 5)), 1, ("slope", "LC=1", "evi", "LC=2"))
    series = Input(generator.normal(size=(9, 10, 2)), 2, ("evi", "a=b=3"))
    return Samples({"static": static, "series": series}, Target("soc", "%"))


def test_classes_are_one_covariate_and_so_is_a_name_in_two_inputs() -> None:
    assert covariates(two_inputs()) == {
        "slope": Covariate({"static": (0,)}),
        "LC": Covariate({"static": (1, 3)}),
        "evi": Covariate({"static": (2,), "series": (0,)}),
        "a=b": Covariate({"series": (1,)}),
    }


def test_cosine_and_sine_are_one_angle() -> None:
    position = Input(np.zeros((3, 4)), 1, ("L", "cos MLT", "sin MLT", "cos MLAT"))
    assert covariates(Samples({"position": position}, Target("amplitude", "1"))) == {
        "L": Covariate({"position": (0,)}),
        "MLT": Covariate({"position": (1, 2)}),
        "cos MLAT": Covariate({"position": (3,)}),
    }


@pytest.mark.parametrize("covariate", [Covariate({"static": (1, 3)}), Covariate({"static": (2,), "series": (0,)})])
def test_a_shuffle_moves_whole_covariates_between_samples_and_nothing_else(covariate: Covariate) -> None:
    samples = two_inputs()
    before = {name: item.values.copy() for name, item in samples.inputs.items()}
    order = np.random.default_rng(1).permutation(9)
    moved = shuffled(samples, covariate, order)
    for name, item in samples.inputs.items():
        np.testing.assert_array_equal(item.values, before[name], "the samples given are left alone")
        for place in range(item.values.shape[item.axis]):
            source = order if place in covariate.places.get(name, ()) else np.arange(9)
            np.testing.assert_array_equal(
                moved.inputs[name].values.take(place, item.axis), before[name].take(place, item.axis)[source]
            )


def test_importance_is_the_rmse_that_a_shuffle_costs(tmp_path: Path) -> None:
    asked = EvaluateSettings(importance_repeats=200, importance_rows=10_000)
    inputs = Case(tmp_path, evaluate=asked).inputs(done=["fold-1-seed-1"])
    members = predict_members(inputs, NullReporter())
    found = importance(inputs, members, NullReporter())
    assert list(found) == ["rain", "slope", "LCEE10", "noise"]
    assert all(len(values) == 200 for values in found.values())
    np.testing.assert_allclose(found["noise"], 0, atol=1e-9)
    assert found["rain"].mean() > found["LCEE10"].mean() > found["slope"].mean() > 0

    # The expected squared error after a shuffle is the mean over all pairs of samples.
    static, soc, _ = fields()
    rows = members[0].rows_N
    centre = static[rows, :, 2, 2].astype(np.float64)
    squares = []
    for other in range(len(rows)):
        changed = centre.copy()
        changed[:, 0] = centre[other, 0]
        squares.append((np.exp(signal(changed)) + 1 - soc[rows]) ** 2)
    plain = np.sqrt(np.mean((np.exp(signal(centre)) + 1 - soc[rows]) ** 2))
    assert found["rain"].mean() == pytest.approx(np.sqrt(np.mean(squares)) - plain, rel=0.05)


def test_importance_looks_at_no_more_rows_than_asked(tmp_path: Path) -> None:
    asked = EvaluateSettings(importance_repeats=1, importance_rows=20)
    inputs = Case(tmp_path, evaluate=asked).inputs(done=["fold-1-seed-1"])
    seen: list[int] = []
    plain = inputs.predictors["fold-1-seed-1"]

    def counting(samples: Samples, rows: np.ndarray) -> np.ndarray:
        seen.append(len(samples))
        return plain(samples, rows)

    members = predict_members(inputs, NullReporter())
    object.__setattr__(inputs, "predictors", {"fold-1-seed-1": counting})
    importance(inputs, members, NullReporter())
    assert seen == [20] * (1 + len(COVARIATES) - 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "soc wins, RMSE of soc 4, of forest 5 g kg-1, p < 0.001."),
        ({"groups": 3}, "RMSE of soc 4, of forest 5 g kg-1; too few groups to test (3, 6 are needed)."),
        ({"interval": Interval(NAN, NAN)}, "RMSE of soc 4, of forest 5 g kg-1; no interval and no test."),
        ({"interval": Interval(-1.0, 0.5)}, "no difference shown, RMSE of soc 4, of forest 5 g kg-1, p < 0.001."),
        ({"p_value": 0.1}, "no difference shown, RMSE of soc 4, of forest 5 g kg-1, p = 0.1."),
    ],
)
def test_a_page_says_in_a_few_words_which_wins(change: dict[str, Any], words: str) -> None:
    best = against("forest", 5.0, 4.0, (-1.5, -0.5), 0.0004)
    best = replace(best, comparison=replace(best.comparison, **change))
    assert shortly(TASK, scored("soc", 4.0), [against("mean", 9.0, 4.0, (-9, -4), 0.0), best]) == words
    assert shortly(TASK, scored("soc", 4.0), []) == "RMSE of soc 4 g kg-1, no baseline."
