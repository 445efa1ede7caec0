"""Inputs outside the ranges of the training rows are counted, said, and refused where they mostly are."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import rasterio
import torch

from geoml_cli.errors import DataError
from geoml_cli.inference.ranges import OutsideShare, by_name, check_shares, check_sizes, shares
from geoml_cli.inference.trained_ranges import InputRanges, TrainedRange
from geoml_cli.samples.samples import Input, InputSignature, Samples, Signature, Target
from geoml_cli.samples.scaling import Affine, Scaling, TargetScaling
from geoml_cli.work.reporting import NullReporter


def ranges(*bounds):
    """Return the counter of a network that sees windows of two variables, trained by members with these bounds."""
    signature = Signature(
        inputs={"static": InputSignature(shape=(2, 3), axis=1, names=("warm", "wet"))}, target_name="x", unit="1"
    )
    scalings = [
        Scaling(
            inputs={"static": Affine(shift=(0, 0), scale=(1, 1), low=low, high=high)},
            trailing={"static": 1},
            target=TargetScaling(),
        )
        for low, high in bounds
    ]
    return InputRanges(signature, scalings)


def test_values_are_counted_by_variable_over_all_members():
    counter = ranges(((0.0, 0.0), (10.0, 1.0)), ((-5.0, 0.0), (8.0, 2.0)))
    warm = [[-6.4, 0.0, 11.4], [-6.6, 11.6, np.nan]]  # a tenth of a range beyond its ends is still inside
    wet = [[2.21, 2.19, -0.19], [1.0, 1.0, 1.0]]
    counter.count({"static": torch.tensor(np.stack([warm, wet], axis=1), dtype=torch.float32)})
    counter.count({"static": torch.ones(2, 2, 3)})
    found = shares(counter.variables, counter.taken())
    assert [(one.trained.name, one.share) for one in found] == [("warm", 2 / 11), ("wet", 1 / 12)]
    assert found[0].low == pytest.approx(-6.6) and found[0].high == pytest.approx(11.6)
    assert shares(counter.variables, counter.taken()) == []  # counted anew


def test_classes_are_those_of_all_members():
    signature = Signature(
        inputs={"cover": InputSignature(shape=(1, 1), axis=2, names=("cover",))}, target_name="x", unit="1"
    )
    scalings = [
        Scaling(
            inputs={"cover": Affine(shift=(0,), scale=(1,), classes=classes)},
            trailing={"cover": 0},
            target=TargetScaling(),
        )
        for classes in ((1, 4), (4, 7))
    ]
    counter = InputRanges(signature, scalings)
    codes = np.array([1, 4, 7, 3, 0, np.nan], dtype=np.float32).reshape(-1, 1, 1)
    counter.count({"cover": torch.from_numpy(codes)})
    [found] = shares(counter.variables, counter.taken())
    assert str(found) == "cover 40 % (of classes that no training row has; these have 1, 4, 7)"
    assert found.explanation() == ""
    samples = Samples({"cover": Input(codes, axis=2, names=("cover",))}, Target("x", None, "1"))
    rows = np.array([3, 0, 5, 4])
    assert counter.of_unseen_classes(samples, rows).tolist() == [True, False, False, True]
    with pytest.raises(DataError, match=r"cover 40 % .*Check that classes are numbered as those of the training data"):
        check_shares([found], 0.3, NullReporter())


def test_the_ends_of_a_range_lie_inside_it():
    low, high = 0.1, 1000.7  # none of them a float32
    counter = ranges(((low, low), (high, high)))
    counter.count({"static": torch.tensor([low, high, low]).repeat(1, 2, 1)})
    assert shares(counter.variables, counter.taken()) == []


@pytest.mark.parametrize(
    ("trained", "factor", "said"),
    [
        ((-152.0, 250.0), 10.0, "a tenth"),  # degrees for tenths of degrees
        ((0.0, 6.9), 100.0, "a hundredth"),
        ((0.0, 51.0), 57.29578, "radians"),
        ((-152.0, 250.0), 3.0, ""),
        ((-152.0, 250.0), 1.0, ""),
    ],
)
def test_values_that_are_many_times_too_small_are_said_although_they_lie_inside(trained, factor, said):
    warned = []
    reporter = type("Told", (NullReporter,), {"warn": lambda _, text: warned.append(text)})()
    counter = ranges(((trained[0], 0.0), (trained[1], 1.0)))
    values = torch.linspace(*trained, 150).reshape(50, 3) / factor
    counter.count({"static": torch.stack([values, torch.full((50, 3), 0.05)], dim=1)})
    counts = counter.taken()
    check_shares(shares(counter.variables, counts), 0.5, reporter)
    assert warned == []
    check_sizes(counter.variables, counts, reporter)
    assert len(warned) == bool(said) and said in "".join(warned)
    few = counts.copy()
    few[:, 0] = 20
    warned.clear()
    check_sizes(counter.variables, few, reporter)
    assert warned == []


def test_a_run_without_ranges_counts_nothing():
    counter = ranges(((), ()))
    counter.count({"static": torch.full((1, 2, 3), 1e9)})
    assert counter.variables == [] and counter.taken().shape == (0, 4)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ((280.0, 288.0), "t may be kelvin in place of degrees Celsius: subtract 273.15."),
        (
            (500.0, 1400.0),
            "t may be another unit or scale, about 100 times too large: convert it by the exact factor of the two.",
        ),
        (
            (0.05, 0.14),
            "t may be another unit or scale, about 100 times too small: convert it by the exact factor of the two.",
        ),
        (
            (0.5, 1.4),
            "t may be another unit or scale, about 10 times too small: convert it by the exact factor of the two, such "
            "as 3.2808 of feet and metres, 10 of cm and mm, 11.574 of W m-2 and MJ m-2 d-1, 12 of months and years.",
        ),
        ((-3e5, 4e7), ""),
        ((16.0, 17.0), ""),  # a little warmer, and no other unit
    ],
)
def test_a_conversion_that_explains_the_values_is_named(seen, expected):
    assert OutsideShare(TrainedRange("t", 5.0, 15.0), 1.0, *seen).explanation() == expected


def test_what_cannot_be_a_temperature_is_not_called_one():
    evaporation = OutsideShare(TrainedRange("E", 300.0, 598.0), 1.0, 11.8, 23.5)
    assert "kelvin" not in evaporation.explanation()
    assert "add 273.15" in OutsideShare(TrainedRange("LST", 270.0, 310.0), 1.0, -3.0, 37.0).explanation()


def test_some_is_said_much_is_warned_of_and_most_is_refused():
    reporter, trained = NullReporter(), TrainedRange("t", 5.0, 15.0)
    check_shares([OutsideShare(trained, 0.5, 5, 20), OutsideShare(trained, 0.01, 5, 20)], 0.5, reporter)
    assert reporter.warned == ["outside the range of the training rows: t 50 % (from 5 to 20, trained on 5 to 15)."]
    assert "t 1 %" in reporter.said[0]
    with pytest.raises(DataError, match=r"t 51 % .*Check their units and fill values, .*--set predict\.out_of_range=1"):
        check_shares([OutsideShare(trained, 0.51, 5, 20)], 0.5, reporter)


def test_a_variable_that_two_networks_see_is_told_once_by_the_range_that_holds_more():
    variables = [TrainedRange("t", 5.0, 25.0), TrainedRange("r", 0.0, 1.0), TrainedRange("t", 5.0, 15.0)]
    counts = np.array([[10.0, 1, 5, 30], [10, 0, 0, 1], [10, 5, 5, 20]])
    found = shares(variables, counts)
    assert found == [OutsideShare(variables[0], 0.1, 5, 30)] and by_name(found) == {"t": 0.1}
    counts[0, 1] = 0  # a first stage that knows all of it
    assert shares(variables, counts) == []


def test_places_and_times_outside_are_told_and_not_refused():
    reporter = NullReporter()
    check_shares([OutsideShare(TrainedRange("year", 2001, 2012), 1.0, 2013, 2020)], 0.5, reporter)
    for name in ("day-of-year", "month", "hour", "DoY_normalized"):  # a season that was not trained on
        check_shares([OutsideShare(TrainedRange(name, 0.0, 0.5), 1.0, 0.6, 1.0)], 0.5, NullReporter())
    assert "year 100 % (from 2013 to 2020, trained on 2001 to 2012)" in reporter.warned[0]


@pytest.fixture
def kelvin(raw_soc, tmp_path):
    """Give the covariates of the data set, temperature in kelvin."""
    folder = shutil.copytree(raw_soc / "covs", tmp_path / "covs")
    with rasterio.open(folder / "temperature.tif", "r+") as file:
        file.write((file.read(1) + 273.15).astype(file.dtypes[0]), 1)
    return folder


def test_a_map_of_kelvin_is_refused_and_may_be_accepted(geoml, trained, data_root, kelvin, tmp_path):
    given = ("predict", trained, "--data", data_root / "soc", "--map", "--rasters", kelvin, "--out", tmp_path / "x.tif")
    refused = geoml(*given)
    assert refused.code == 3 and "temperature may be kelvin in place of degrees Celsius" in refused.err
    assert "Convert them, or accept" in " ".join(refused.err.split())
    assert not (tmp_path / "x.tif").exists()
    done = geoml(*given, "--set", "predict.out_of_range=1", "--json")  # resumes: nothing is predicted twice
    assert done.code == 0 and "Warning: outside the range of the training rows: temperature 100 %" in done.err
    record = json.loads(done.out)
    assert record["outside"]["temperature"] == 1 and record["run"] == str(trained)
    assert 0.0 in record["outside"].values(), "those that lie inside are there too"


def test_a_map_without_a_value_is_warned_of(geoml, trained, data_root, raw_soc, tmp_path):
    folder = shutil.copytree(raw_soc / "covs", tmp_path / "covs")
    with rasterio.open(folder / "temperature.tif") as file:
        profile = file.profile | {"dtype": "float32", "nodata": np.nan}
        shape = (file.height, file.width)
    with rasterio.open(folder / "temperature.tif", "w", **profile) as file:
        file.write(np.full(shape, np.nan, dtype=np.float32), 1)
    given = ("--data", data_root / "soc", "--map", "--rasters", folder, "--out", tmp_path / "x.tif")
    done = geoml("predict", trained, *given)
    assert done.code == 0 and "has a value: check what the inputs cover" in done.err


def test_a_sample_of_the_runs_own_data_is_predicted_though_it_is_rare(geoml, trained, data_root):
    record = json.loads((trained / "members/fold-1/scaling.json").read_text())
    assert record["inputs"], "ranges of the training rows"
    codes = set()
    for number in range(12):
        done = geoml("predict", trained, "--data", data_root / "soc", "--index", number, "--member", "fold-1")
        codes.add((done.code, "Warning: outside the range of the training rows" in done.err))
    assert {code for code, _ in codes} == {0} and (0, True) in codes
