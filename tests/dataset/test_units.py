"""Spellings of units."""

from __future__ import annotations

import pytest

from geoml_cli.dataset.units import same_unit, same_water, whole


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("W/m^2", "W m-2"),
        ("W m**-2", "W m-2"),
        ("mm/day", "mm d-1"),
        ("mm d-1", "d-1 mm"),
        ("mm/yr", "mm year-1"),
        ("mmyr-1", "mm yr-1"),
        ("kg/kg", "kg kg-1"),
        ("m³/m³", "m3 m-3"),
        ("kg.m-2.s-1", "kg m-2 s-1"),
        ("10*kg*m-3", "10 kg m-3"),
        ("J/kg/K", "J kg-1 K-1"),
        ("1/d", "d-1"),
        ("g/100g", "%"),
        ("dag/kg", "percent"),
        ("mg/g", "g kg-1"),
        ("‰", "g/kg"),
        ("t C ha-1", "Mg C/ha"),
        ("tonnes/ha", "Mg ha-1"),
        ("Celsius", "degC"),
        ("degrees C", "°C"),
        ("kelvin", "K"),
        ("percent", "%"),
        ("deg", "degrees"),
        ("inch", "in"),
        ("mm (30 min)-1", "mm (30 min)-1"),
        ("degree_C", "degC"),
        ("deg_C", "°C"),
        ("℃", "degC"),
        ("ºC", "degC"),
        ("µmol m-2 s-1", "umol m-2 s-1"),
        ("μmol m-2 s-1", "µmol m-2 s-1"),
        ("micromol m-2 s-1", "umol m-2 s-1"),
        ("mol m-2 y-1", "mol m-2 yr-1"),
        ("mol m**-2 a-1", "mol/m2/yr"),
        ("g C m-2 day-1", "g C/m2/d"),
        ("kg/(m2 s)", "kg m-2 s-1"),
        ("kg/(m2*s)", "kg m-2 s-1"),
        ("kg / (m**2 · s)", "kg m-2 s-1"),
        ("m s^{-1}", "m s-1"),
        ("W m⁻²", "W m-2"),
        ("W m\u22122", "W m-2"),
        ("1e-3", "1.e-3"),
        ("1e-3", "10^-3"),
        ("1e-3 kg", "10**-3 kg"),
        ("mm/mo", "mm month-1"),
        ("PSU", "psu"),
        ("fraction", "1"),
        ("-", "1"),
        ("pct", "%"),
        ("C", "degC"),
    ],
)
def test_spellings_of_one_unit(one: str, other: str) -> None:
    assert same_unit(one, other) and same_unit(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("cm", "inch"),
        ("kPa", "hPa"),
        ("mm d-1", "mm"),
        ("mm yr-1", "mm month-1"),
        ("W/m^2", "W m2"),
        ("K", "0.02 K"),
        ("kg m-3", "10 kg m-3"),
        ("Mg", "mg"),
        ("A m-2", "a m-2"),
        ("%", "1"),
        ("%", "g/kg"),
        ("", "1"),
        ("g C m-2 d-1", "g degC m-2 d-1"),
        ("mol m-2", "umol m-2"),
        ("kg/(m2 s)", "kg m-2 s"),
        ("1e-3", "1"),
        ("m s-1", "m s"),
    ],
)
def test_other_units_are_told_apart(one: str, other: str) -> None:
    assert not same_unit(one, other) and not same_unit(other, one)


@pytest.mark.parametrize(
    ("unit", "number"),
    [("percent", 100), ("g/kg", 1000), ("mg g-1", 1000), ("g/100g", 100), ("ppm", None), ("t ha-1", None)],
)
def test_all_of_a_share(unit: str, number: float | None) -> None:
    assert whole(unit) == number


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("kg m-2 month-1", "mm month-1", True),
        ("kg/m^2/s", "mm s-1", True),
        ("mm/day", "kg m-2 d-1", True),
        ("kg m-2", "mm", True),
        ("kg m-2 s-1", "mm month-1", False),
        ("kg m-3", "mm m-1", False),
        ("m month-1", "mm month-1", False),
        ("K", "K", True),
    ],
)
def test_a_kilogram_of_water_a_square_metre_is_a_millimetre(one: str, other: str, same: bool) -> None:
    assert same_water(one, other) is same_water(other, one) is same
