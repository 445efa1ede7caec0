"""Missing cells are counted by reason, and the counts add up."""

from __future__ import annotations

import json

import numpy as np
import rasterio

from geoml_cli.errors import StoppedError
from geoml_cli.inference.missing import as_text, count_missing, missing_by_reason
from geoml_cli.writers.chunk_store import ChunkStore, whole

NO_PAGE = ("--set", "predict.page=false")


def test_cells_without_a_value_count_once_and_those_without_a_reason_as_well(tmp_path):
    values = np.array([[1.0, np.nan, np.nan], [np.nan, 2.0, np.inf]], dtype=np.float32)
    reason = np.array([[-1, 0, 1], [1, 0, -1]], dtype=np.int16)  # of a cell with a value none counts
    found = count_missing(values, reason, 3)
    assert found.tolist() == [1, 2, 0, 1]
    with whole(tmp_path / "map.tif", {}) as store:
        store.write(0, values, None, found)
        store.write(1, values, None, found)
        counts = missing_by_reason(("sea", "cloud", "night"), "no history", store, 2)
    assert counts == {"sea": 2, "cloud": 4, "no history": 2}
    assert as_text(counts) == "sea: 2, cloud: 4, no history: 2" and as_text({}) == "none"


def test_a_map_tells_why_pixels_are_missing_stopped_half_way_or_not(geoml, trained, data_root, tmp_path, monkeypatch):
    given = ("predict", trained, "--data", data_root / "soc", "--map", "--set", "predict.block=48", *NO_PAGE)
    whole = geoml(*given, "--out", tmp_path / "whole.tif", "--json")
    assert whole.code == 0, whole.err
    said = json.loads(whole.out)
    counts = said["missing_by_reason"]
    assert sum(counts.values()) == said["missing"] > 0
    assert {"the window crosses the edge of the rasters", "no data in any covariate"} <= set(counts)
    assert f"Pixels without a prediction: {as_text(counts)}." in whole.err
    with rasterio.open(tmp_path / "whole.tif") as file:
        assert file.tags()["pixels_without_prediction"] == as_text(counts)
        assert int(np.isnan(file.read(1)).sum()) == said["missing"]

    def stop(store, signal, number):
        if number == 5:
            raise StoppedError("stopped", where="", fix="")

    with monkeypatch.context() as patched:
        patched.setattr(ChunkStore, "stop_if", stop)
        assert geoml(*given, "--out", tmp_path / "stopped.tif").code == 75
    resumed = geoml(*given, "--out", tmp_path / "stopped.tif", "--json")
    assert json.loads(resumed.out)["missing_by_reason"] == counts


def test_inputs_without_reasons_tell_none(geoml, trained, data_root, tmp_path):
    done = geoml("predict", trained, "--data", data_root / "soc", "--out", tmp_path / "samples.csv", "--json")
    assert "missing_by_reason" not in json.loads(done.out) and "without a prediction" not in done.err
