"""Which columns tell of a target's uncertainty, and how data sets hold them."""

from __future__ import annotations

import numpy as np
import pytest
from flux_case import columns, write
from reddyproc_case import DRIVERS, rows, weather
from reddyproc_case import write as write_text

from geoml_cli.sources.fluxnet import synthetic as made
from geoml_cli.sources.fluxnet import uncertainty

NEE = ("NEE_VUT_REF", "NEE_VUT_REF_RANDUNC", "NEE_VUT_25", "NEE_VUT_75")


@pytest.mark.parametrize(
    ("target", "known", "found"),
    [
        ("NEE_VUT_REF", NEE, {"_random": "NEE_VUT_REF_RANDUNC", "_p25": "NEE_VUT_25", "_p75": "NEE_VUT_75"}),
        ("NEE_VUT_REF", (*NEE, "NEE_VUT_05"), {"_random": NEE[1], "_p25": NEE[2], "_p75": NEE[3]}),
        ("NEE_VUT_REF", (*NEE[2:], "NEE_VUT_05", "NEE_VUT_95"), {"_p05": "NEE_VUT_05", "_p95": "NEE_VUT_95"}),
        ("NEE_CUT_REF", NEE, {}),
        ("GPP_NT_VUT_REF", ("GPP_NT_VUT_05", "GPP_NT_VUT_95"), {"_p05": "GPP_NT_VUT_05", "_p95": "GPP_NT_VUT_95"}),
        ("LE_F_MDS", ("LE_RANDUNC", "LE_CORR_25", "LE_CORR_75"), {"_random": "LE_RANDUNC"}),
        ("LE_CORR", ("LE_RANDUNC", "LE_CORR_25", "LE_CORR_75"), {}),  # percentiles of the closure, not of u*
    ],
)
def test_columns_of_every_flux(target, known, found):
    assert uncertainty.columns(target, known) == {f"{target}{end}": column for end, column in found.items()}


def test_records_hold_what_their_own_site_tells(raw, prepared):
    tower = made.TOWERS[0]
    loaded = columns(tower)
    loaded |= {"NEE_VUT_05": loaded.pop("NEE_VUT_25") - 1, "NEE_VUT_95": loaded.pop("NEE_VUT_75") + 1}
    loaded["NEE_VUT_REF_RANDUNC"][3] = np.nan
    write(raw, tower, loaded)
    found = prepared(raw)
    count = len(loaded["NEE_VUT_REF"])
    for share, column in ((5, "NEE_VUT_05"), (95, "NEE_VUT_95")):
        values = np.asarray(found.array(f"NEE_VUT_REF_p{share:02d}"))
        np.testing.assert_allclose(values[:count], loaded[column], rtol=2e-5, atol=1e-5)
        assert np.isnan(values[count:]).all(), "the other site has 25 and 75"
    values = np.asarray(found.array("NEE_VUT_REF_p75"))
    assert np.isnan(values[:count]).all() and np.isfinite(values[count:]).all()
    np.testing.assert_allclose(found.array("NEE_VUT_REF_random")[:count], loaded["NEE_VUT_REF_RANDUNC"], rtol=2e-5)
    assert found.unit("NEE_VUT_REF_random") == "gC m-2 d-1"
    listed = "NEE_VUT_05, NEE_VUT_25, NEE_VUT_75, NEE_VUT_95, NEE_VUT_REF_RANDUNC"
    note = f"the uncertainty of NEE_VUT_REF is {listed}: intervals of sums hold it"
    assert note in found.manifest.funnel.notes


def test_a_target_without_uncertainty_adds_no_variable(raw, prepared):
    found = prepared(raw, target="RECO_NT_VUT_REF")
    assert not [name for name in ("_random", "_p05", "_p25") if found.has(f"RECO_NT_VUT_REF{name}")]
    assert not [note for note in found.manifest.funnel.notes if "uncertainty" in note]


def test_without_a_quality_column_the_providers_values_are_held_and_no_limit_is_told(raw, prepared):
    rated = prepared(raw)
    expected = np.asarray(rated.array("NEE_VUT_REF_provided"))
    assert rated.manifest.facts["gap_filled"].startswith("up to 25 % of the records behind a target are gap-filled")
    unrated = prepared(raw, quality_column="none")
    np.testing.assert_array_equal(unrated.array("NEE_VUT_REF_provided"), expected)
    told = "every value of NEE_VUT_REF is a target, gap-filled or not, as --quality-column none asks"
    assert unrated.manifest.facts["gap_filled"] == told


def test_targets_of_files_without_a_quality_are_measured(prepared, tmp_path):
    found = prepared(write_text(tmp_path / "raw", rows(weather(3))), dynamic=DRIVERS, extra=())
    assert found.manifest.facts["gap_filled"] == "" and not found.has("NEE_VUT_REF_provided")
