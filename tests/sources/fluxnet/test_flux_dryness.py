"""Vapour pressure deficit where files hold temperature and humidity in its place."""

from __future__ import annotations

import numpy as np
import pytest
from flux_case import columns, write
from reddyproc_case import DRIVERS, HEAD, NAME, UNITS, rows, weather
from reddyproc_case import write as write_text

from geoml_cli.errors import DataError
from geoml_cli.sources.fluxnet import synthetic as made
from geoml_cli.sources.fluxnet.dryness import deficit

GIVEN = {"dynamic": DRIVERS, "extra": ()}
WITHOUT = (HEAD.replace("VPD", "PAR"), UNITS.replace("hPa", "umol"))


def humid(share: float = 1.0) -> list[str]:
    found = weather(3)
    found[:, 4] = np.linspace(20, 101, len(found)) * share
    return rows(found)


def test_the_deficit_is_that_of_tables():
    # Saturation over water: 6.11, 23.37 and 42.43 hPa at 0, 20 and 30 degC (Guide to Instruments, WMO-No. 8).
    found = deficit(np.array([0.0, 20.0, 30.0]), np.zeros(3))
    np.testing.assert_allclose(found, [6.11, 23.37, 42.43], rtol=3e-3)
    found = deficit(np.array([20.0, 20.0, np.nan, 20.0]), np.array([50.0, 102.0, 50.0, np.nan]))
    np.testing.assert_allclose(found, [23.37 / 2, 0, np.nan, np.nan], rtol=3e-3)


def test_a_file_without_it_gets_it_from_temperature_and_humidity_and_says_so(prepared, tmp_path):
    found = prepared(write_text(tmp_path / "raw", humid(), *WITHOUT), **GIVEN)
    expected = deficit(weather(3)[:, 3], np.linspace(20, 101, 144))
    np.testing.assert_allclose(found.array("VPD_F"), expected, rtol=2e-4, atol=2e-4)
    assert found.unit("VPD_F") == "hPa"
    assert f"{NAME} has no VPD_F: it is computed from TA and RH [hPa]" in found.manifest.funnel.notes


def test_what_is_measured_is_taken_as_it_is(prepared, tmp_path):
    found = prepared(write_text(tmp_path / "raw", humid()), **GIVEN)
    np.testing.assert_allclose(found.array("VPD_F"), weather(3)[:, 5], rtol=1e-5)
    assert not [note for note in found.manifest.funnel.notes if "computed" in note]


def test_a_humidity_that_is_a_share_is_refused_with_a_remedy_that_works(prepared, tmp_path):
    raw = write_text(tmp_path / "raw", humid(0.01), *WITHOUT)
    with pytest.raises(DataError, match=r"median of RH is 0\.605, which is no relative humidity in %.*--dynamic"):
        prepared(raw, **GIVEN)
    assert prepared(raw, dynamic=DRIVERS[:2], extra=()).labels("dynamic") == list(DRIVERS[:2])


def test_days_that_lack_it_are_refused_as_before(raw, prepared):
    loaded = columns(made.TOWERS[0])
    loaded["RH"] = loaded.pop("VPD_F") * 0 + 60
    write(raw, made.TOWERS[0], loaded)
    with pytest.raises(DataError, match="has no column VPD_F"):
        prepared(raw)
