"""The name that may have been meant."""

from __future__ import annotations

import pytest

from geoml_cli.work.closest import closest


@pytest.mark.parametrize(
    ("name", "choices", "likeness", "expected"),
    [
        ("geomanba", ["soc", "geomamba"], 0.6, "geomamba"),
        ("SOC", ["ech", "soc"], 0.6, "soc"),
        ("NEE_VUT_REF", ["NEE_CUT_REF", "NEE_vut_ref"], 0.85, "NEE_vut_ref"),
        ("soc", ["Soc", "SOC"], 0.6, "Soc"),
        ("NEE_VUT_REF", ["GPP_NT_VUT_REF"], 0.85, ""),
        ("soc", [], 0.6, ""),
    ],
)
def test_the_closest_name_is_found_whatever_its_capitals(name, choices, likeness, expected) -> None:
    assert closest(name, iter(choices), likeness) == expected
