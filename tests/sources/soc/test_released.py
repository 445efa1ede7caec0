"""The paper's arrays, in small: kept as they are, and refused where they do not fit."""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from geoml_cli.config.load import load
from geoml_cli.dataset.store import Dataset
from geoml_cli.errors import DataError, GeomlError
from geoml_cli.runs.create import RunFolder
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import signature
from geoml_cli.sources.soc.source import SOURCE
from geoml_cli.stages.import_checkpoint import import_checkpoint
from geoml_cli.training.plan import networks_of
from geoml_cli.work.reporting import NullReporter

Prepare = Callable[..., tuple[Dataset, NullReporter]]


def fails(prepared: Prepare, raw: Path, message: str, **options: object) -> None:
    with pytest.raises(GeomlError, match=message) as caught:
        prepared(raw, **options)
    assert caught.value.exit_code == 3
    left = [path for path in (raw.parent / "prepared").glob("*") if not path.name.endswith(".lock")]
    assert not left, "a half-written data set is left"


def test_released_arrays(release: Path, prepared: Prepare) -> None:
    dataset, reporter = prepared(release)
    stored = pickle.loads((release / "samples_ts_lsp.pkl").read_bytes())  # written by this test
    np.testing.assert_array_equal(dataset.array("series")[:, :, 1:], stored.astype("f4"))
    assert dataset.labels("feature") == ["evi", "lsp_1", "lsp_2"]
    assert dataset.array("year").tolist() == list(range(2002, 2012))
    assert dataset.array("split").tolist() == [
        [1, 1, 1, 1, 0, 0, 2, 2],
        [1, 1, 1, 1, 0, 0, 2, 2],
        [1, 1, 1, 1, 1, 2, 0, 0],
    ]
    assert np.isnan(dataset.array("soc")).all()
    assert any("not public" in text for text in reporter.warned)
    with pytest.raises(DataError, match="made from released arrays, which have no rasters to map"):
        SOURCE.stack(release, dataset.manifest)


def test_released_arrays_with_their_table(release: Path, prepared: Prepare) -> None:
    rows = [f"{100 + n},{30 + n},{n + 0.5 if n else ''}" for n in range(8)]
    (release / "samples.csv").write_text("\n".join(["lon,lat,soc", *rows]))
    dataset, reporter = prepared(release)
    np.testing.assert_array_equal(dataset.array("soc"), [np.nan, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5])
    assert dataset.array("lon").tolist() == list(range(100, 108))
    assert not reporter.warned
    (release / "samples.csv").write_text("\n".join(["lon,lat,soc", *rows[1:]]))
    with pytest.raises(DataError, match="has 7 rows for 8 released samples"):
        prepared(release)


RELEASED = {
    "samples_ts_evi.pkl": (np.zeros((7, 10, 1)), "has 7 samples x 10 years, not 8 x 10"),
    "samples_ts_lsp.pkl": ([1, 2], r"holds list\. An array of numbers with axes \(sample, year, feature\)"),
    "samples_window_common.pkl": (np.zeros((8, 3, 5, 4)), "its windows are not square"),
    "train_test_idx/test_1.pkl": ([0], r"test_1.pkl: sample 0 is also in train_1.pkl"),
    "train_test_idx/test_2.pkl": ([8], r"test_2.pkl: sample 8 does not exist\. The arrays hold samples 0 to 7"),
    "train_test_idx/train_1.pkl": ({"a": 1}, r"train_1.pkl: holds no list of sample numbers"),
}


@pytest.mark.parametrize("name", RELEASED)
def test_released_arrays_that_do_not_fit(release: Path, prepared: Prepare, name: str) -> None:
    value, message = RELEASED[name]
    (release / name).write_bytes(pickle.dumps(value))
    fails(prepared, release, message)


@pytest.mark.parametrize("name", ["samples_ts_evi.pkl", "train_test_idx/test_2.pkl"])
def test_released_files_that_are_missing(release: Path, prepared: Prepare, name: str) -> None:
    (release / name).unlink()
    fails(prepared, release, re.escape(Path(name).name) + " is missing")


class _Payload:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f'touch "{self.mark}"',)


@pytest.mark.parametrize("name", ["samples_window_common.pkl", "train_test_idx/train_1.pkl"])
def test_a_malicious_pickle_runs_nothing(release: Path, prepared: Prepare, tmp_path: Path, name: str) -> None:
    mark = tmp_path / "was here"
    (release / name).write_bytes(pickle.dumps(_Payload(mark)))
    fails(prepared, release, r"the pickle asks for (posix|nt)\.system, which was refused")
    assert not mark.exists()


def test_a_checkpoint_is_imported_with_arrays_that_have_no_targets(release: Path, prepared: Prepare) -> None:
    """All rows fit the scaling of the inputs; that of the target is refused, and its remedy works."""
    dataset, _ = prepared(release)
    network = networks_of(load("soc", "paper", None, {}, ["network.variant=cnn"]))[""]
    torch.save(network.build(signature(network.samples(dataset))).state_dict(), release.parent / "w.pth")

    def imported(name: str, *more: str) -> Run:
        place, standard = RunFolder(release.parent / name), ("network.variant=cnn", "inputs.scaling=standard")
        return import_checkpoint("soc", "paper", release.parent / "w.pth", place, dataset, *standard, *more)

    [item] = imported("run").scaling("released").inputs.values()
    static = dataset.array("static").astype(np.float64)
    np.testing.assert_allclose(item.shift, static.mean(axis=(0, 2, 3)), rtol=1e-6)
    np.testing.assert_allclose(item.scale, static.std(axis=(0, 2, 3)), rtol=1e-6)
    with pytest.raises(
        DataError, match=r"no value of soc is known: its scaling cannot be fitted.*--set target\.scaling=none"
    ):
        imported("other", "target.scaling=standard")
    assert imported("other", "target.scaling=none").scaling("released").target.scale == 1
