from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from geoml_cli.errors import DataError
from geoml_cli.samples.batches import Batches, InputScaling, TargetInverse
from geoml_cli.samples.samples import Input, Samples, Target
from geoml_cli.samples.scaling import Scaling, fit
from geoml_cli.samples.settings import InputSettings, TargetSettings


@pytest.fixture
def samples() -> Samples:
    generator = np.random.default_rng(5)
    static = generator.normal(1000, [[[1]], [[50]], [[0]]], (40, 3, 2, 2)).astype(np.float32)
    series = generator.gamma(2, 3, (40, 4, 2)).astype(np.float32)
    target = generator.gamma(2, 5, 40).astype(np.float32)
    inputs = {"static": Input(static, 1, ("a", "b", "c")), "series": Input(series, 2, ("e", "f"))}
    return Samples(inputs, Target("soc", "%", target))


@pytest.mark.parametrize(("method", "oracle"), [("standard", StandardScaler()), ("min-max", MinMaxScaler())])
def test_scaling_is_fitted_per_variable_on_the_training_rows(samples, method, oracle):
    rows = np.arange(5, 25)
    fitted = fit(samples, rows, InputSettings(scaling=method), TargetSettings())
    for name, columns in (("static", (0, 2, 3, 1)), ("series", (0, 1, 2))):
        values = samples.inputs[name].values.transpose(columns)
        width = values.shape[-1]
        oracle.fit(values[rows].reshape(-1, width).astype(np.float64))
        expected = oracle.transform(values.reshape(-1, width).astype(np.float64)).reshape(values.shape)
        inputs = {key: torch.from_numpy(item.values) for key, item in samples.inputs.items()}
        found = InputScaling(fitted)(inputs)[name].numpy().transpose(columns)
        np.testing.assert_allclose(found[..., :2], expected[..., :2], rtol=1e-4, atol=1e-4)
    assert fitted.inputs["static"].scale[2] == 1.0, "a variable that does not vary is only shifted"


@pytest.mark.parametrize("transform", ["none", "log", "log1p"])
@pytest.mark.parametrize("scaling", ["none", "standard", "min-max"])
def test_the_target_comes_back(samples, transform, scaling):
    target = fit(samples, np.arange(30), InputSettings(), TargetSettings(transform=transform, scaling=scaling)).target
    values = np.linspace(0.1, 60, 50)
    np.testing.assert_allclose(target.inverse(target.forward(values)), values, rtol=1e-12)
    graph = TargetInverse(target)(torch.from_numpy(target.forward(values).astype(np.float32)))
    np.testing.assert_allclose(graph.numpy(), values, rtol=1e-5)


def test_a_standard_log_target_has_mean_zero_and_deviation_one_over_the_training_rows(samples):
    rows = np.arange(10, 40)
    target = fit(samples, rows, InputSettings(), TargetSettings(transform="log", scaling="standard")).target
    scaled = target.forward(samples.target.values[rows].astype(np.float64))
    np.testing.assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-12)


def test_a_logarithm_of_zero_is_refused(samples):
    samples.target.values[3] = 0
    with pytest.raises(
        DataError, match=r"1 training values of soc are 0 or less: no log\. Use --set target\.transform=log1p"
    ):
        fit(samples, np.arange(10), InputSettings(), TargetSettings(transform="log"))
    fit(samples, np.arange(10), InputSettings(), TargetSettings(transform="log1p"))
    fit(samples, np.arange(4, 10), InputSettings(), TargetSettings(transform="log"))


def test_a_missing_training_input_is_refused(samples):
    samples.inputs["series"].values[7, 1, 1] = np.nan
    with pytest.raises(DataError, match="series: 1 values of the training rows are missing"):
        fit(samples, np.arange(10), InputSettings(), TargetSettings())
    fit(samples, np.arange(8, 20), InputSettings(), TargetSettings())


def test_scaling_survives_its_file_to_the_last_bit(samples, tmp_path):
    before = fit(samples, np.arange(9), InputSettings(scaling="standard"), TargetSettings(scaling="standard"))
    before.write(tmp_path / "scaling.json")
    assert Scaling.read(tmp_path / "scaling.json") == before


def test_a_batch_is_the_rows_asked_for_scaled(samples):
    fitted = fit(samples, np.arange(40), InputSettings(scaling="min-max"), TargetSettings(scaling="standard"))
    batches = Batches(samples, fitted, torch.device("cpu"))
    rows = np.array([7, 3, 3, 39])
    batch = batches(rows)
    assert list(batch) == ["static", "series", "target"]
    one = torch.cat([batches(np.array([row]))["static"] for row in rows])
    assert torch.equal(batch["static"], one)
    np.testing.assert_allclose(
        batch["target"], fitted.target.forward(samples.target.values[rows].astype(float)), rtol=1e-6
    )
    assert [len(part["target"]) for part in batches.in_order(np.arange(10), 4)] == [4, 4, 2]
