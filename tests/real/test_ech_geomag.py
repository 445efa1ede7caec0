"""Index files as their providers ship them: read, or refused with what is needed instead."""

from __future__ import annotations

import shutil

import numpy as np

from geoml_cli.readers.tables import open_text
from geoml_cli.sources.ech import files, iaga


def test_the_iaga_day_of_a_station_is_read(real_data):
    path = real_data("geomag/bou20141101vmin.min")
    assert files.kind(path) == "iaga"
    with open_text(path) as stream:
        loaded = iaga.read(path, stream)
    assert len(loaded.time) == 1440 and str(loaded.time[-1]) == "2014-11-01T23:59:00"
    assert list(loaded.values) == ["h", "d", "z", "f"]
    assert (loaded.values["h"][0], loaded.values["d"][2], loaded.values["f"][9]) == (20873.75, -10.01, 52397.48)


def test_wdc_dst_is_read_by_position(real_data):
    loaded = files.read(real_data("geomag/dst2000.txt"))
    assert len(loaded.time) == 366 * 24 and str(loaded.time[0]) == "2000-01-01T00:00:00"
    np.testing.assert_array_equal(loaded.values["dst"][:4], [-46, -38, -38, -42])
    assert np.nanmin(loaded.values["dst"]) == -301  # the storm of 15 July


def test_hourly_omni_is_read_but_refused_for_windows(real_data, geoml, tmp_path):
    loaded = files.read(real_data("geomag/omni2_2015.dat"))
    assert (loaded.values["dst"][0], loaded.values["ae"][0]) == (-18, 42)
    # A folder of its own: other files beside it, such as an orbit, would be read as well.
    raw = tmp_path / "raw"
    raw.mkdir()
    shutil.copy(real_data("geomag/omni2_2015.dat"), raw)
    given = ("prepare", "ech", raw, "--data", tmp_path / "data")
    done = geoml(*given)
    assert done.code == 3
    assert "AE comes every 60 minutes; the windows need steps of 1 or 5 minutes" in done.err
    done = geoml(*given, "--hourly", "--ae-as-sme")  # the series serve then; there is no orbit beside them
    assert done.code == 3 and "no file holds L, MLT and MLAT" in done.err


def test_magephem_with_comments_behind_its_header_is_read(real_data):
    """A file of 2013: free text with braces follows the JSON, and MLT is called ED_MLT."""
    found = files.read(real_data("geomag/20130218_rbspa_MagEphem.txt"))
    assert str(found.time[0]) == "2013-02-18T00:00:00" and len(found.time) == 2
    assert set(found.values) == {"l", "mlt", "mlat"}
    mlt = found.values["mlt"][np.isfinite(found.values["mlt"])]
    assert len(mlt) and mlt.min() >= 0 and mlt.max() <= 24
