"""Undeclared fills: what is a candidate, in blocks of any type and number."""

from __future__ import annotations

import numpy as np
import pytest

from geoml_cli.errors import DataError
from geoml_cli.readers.nodata import Declared, parse_nodata
from geoml_cli.readers.undeclared_fills import FillCensus, Undeclared, refuse_undeclared, undeclared

HEIGHTS = np.random.default_rng(0).uniform(0, 90, 5000)
TEMPERATURES = np.random.default_rng(1).normal(12, 6, 5000)


def found(values: np.ndarray, blocks: int = 1) -> dict[float, int]:
    return undeclared(values.dtype, np.array_split(values, blocks))


@pytest.mark.parametrize(
    ("kind", "fill"),
    [
        ("uint8", 255), ("int8", -128), ("uint16", 65535), ("int16", 32767), ("int16", -32768), ("int16", -9999),
        ("uint16", 255), ("int32", -2147483648), ("int32", -99999), ("uint32", 4294967295), ("int64", -9999),
        ("float32", 9.969209968386869e36), ("float32", 1e20), ("float32", -99.9), ("float32", -999),
        ("float32", -1e30), ("float32", -9999), ("float32", 65535), ("float64", -99999), ("float64", 1e15),
        ("float64", float(np.float32(1e20))), ("float64", -1.7976931348623157e308), ("float16", -9999),
    ],
)  # fmt: skip
@pytest.mark.parametrize("blocks", [1, 7])
def test_fills_are_found_by_what_they_are(kind: str, fill: float, blocks: int) -> None:
    values = np.concatenate([HEIGHTS, np.full(40, fill)]).astype(kind)
    counts = found(np.random.default_rng(2).permutation(values), blocks)
    assert list(counts.values()) == [40]
    given = np.array(next(iter(counts))).astype(kind)
    assert abs(fill) > 3.3e38 or given == values[-1]


def test_values_among_others_are_values() -> None:
    assert not found(np.arange(-40000, 70000, dtype=np.int32))
    assert not found(np.array([-99.0, -99.0, *np.linspace(-98, -20, 500)]))
    assert not found(np.append(HEIGHTS, -9999.0)), "one alone may be anything"
    assert not found(np.array([0] * 900 + list(range(300)) * 2, dtype=np.int32))
    assert not found(np.array([0] * 90000 + list(range(300)) * 2, dtype=np.int32)), "nearly all values are one"
    assert not found(np.zeros(9, dtype=np.uint8))


def test_a_negative_fill_near_wide_values_stands_apart() -> None:
    heights = np.random.default_rng(4).uniform(0, 1161, 9000).astype(np.float32)
    assert found(np.append(heights, [-99, -99]).astype(np.float32)) == {-99.0: 2}, "all others are positive"
    assert found(np.append(heights - 20, [-99] * 40).astype(np.float32)) == {-99.0: 40}, "frequent, and a gap"
    assert not found(np.append(heights - 20, [-99] * 3).astype(np.float32))
    assert not found(np.append(heights - 95, [-99] * 40).astype(np.float32)), "no gap"


def test_a_short_nine_is_a_fill_next_to_positive_values_alone() -> None:
    """Temperatures of one decimal may reach -9.9 twice, and not the values just above."""
    random = np.random.default_rng(1)
    lowest = np.full(3, -9.9)
    temperature = np.concatenate([np.round(random.uniform(-9, 2, 998), 1), lowest])
    assert not undeclared(temperature.dtype, [temperature])
    for low, high in ((-5, -4), (-20, -19)):
        cold = np.concatenate([np.round(random.uniform(low, high, 998), 1), lowest])
        assert not undeclared(cold.dtype, [cold]), "a narrow range makes it no fill either"
    speed = np.concatenate([np.round(random.uniform(0, 30, 998), 1), lowest])
    assert undeclared(speed.dtype, [speed]) == {-9.9: 3}


def test_limits_of_the_files_own_type_always_are() -> None:
    assert found(np.arange(256).astype(np.uint8)) == {255.0: 1}
    assert not found(np.repeat(np.arange(256), 2).astype(np.uint16))


def test_fills_side_by_side_do_not_hide_each_other() -> None:
    values = np.concatenate([TEMPERATURES, [-9999.0, -9999.0, -9998.0, -9998.0, np.nan, np.inf]])
    assert found(values) == {-9999.0: 2, -9998.0: 2}


def test_all_values_near_the_limit_of_float32_are_one() -> None:
    values = np.array([1, 2, 3, -3.4e38, -3.4028235e38, -3.39999995e38], dtype=np.float32)
    assert found(values) == {-3.4028235e38: 3}


def test_a_long_stream_is_sampled() -> None:
    random, census = np.random.default_rng(3), FillCensus(np.dtype("float32"))
    for _ in range(40):
        census.add(random.normal(0, 300, 20000).astype(np.float32))
    census.add(np.full(5, -9999, dtype=np.float32))
    census.add(np.full(5, -999, dtype=np.float32))  # among others
    assert census.candidates() == {-9999.0: 5}
    assert 1300 < census._others.range() < 1500


def test_a_refusal_names_all_with_both_remedies() -> None:
    suspects = [Undeclared("dem", "a.tif", {-9999.0: 12}), Undeclared("rain", "b.tif", {1e20: 3, 65535.0: 4})]
    refuse_undeclared([Undeclared("dem", "a.tif", {})])
    with pytest.raises(DataError) as caught:
        refuse_undeclared(suspects)
    text = str(caught.value)
    assert text.startswith("a.tif, b.tif: dem: 12 pixels are -9999; rain: 3 pixels are 1e+20, 4 pixels are 65535, ")
    assert "--nodata dem=-9999 --nodata rain=1e+20 --nodata rain=65535 where" in text
    assert "--nodata dem=none --nodata rain=none where" in text


def test_what_the_user_says() -> None:
    given = parse_nodata(("dem=-9999", "dem=-1e30", "a=b=none", "rain=0", "rain=None"))
    assert given == {"dem": Declared((-9999.0, -1e30)), "a=b": Declared((), True), "rain": Declared((0.0,), True)}
    assert not undeclared(np.dtype("f8"), [np.full(9, -9999.0)], Declared(valid=True))
    for text in ("dem", "dem=x", "=3", "=none"):
        with pytest.raises(ValueError, match="NAME=VALUE or NAME=none"):
            parse_nodata((text,))


@pytest.mark.parametrize(("has_fill", "expected"), [(True, {}), (False, {255: 3})])
def test_the_largest_of_scaled_bytes_is_a_value_where_the_file_declares_its_fill(has_fill, expected):
    values = np.r_[np.repeat(np.arange(1, 255), 5), [255] * 3].astype(np.uint8)
    assert undeclared(values.dtype, [values], has_fill=has_fill) == expected


def test_a_limit_apart_from_the_values_is_a_fill_beside_the_declared_one():
    values = np.r_[np.repeat(np.arange(1, 101), 5), [255]].astype(np.uint8)
    assert undeclared(values.dtype, [values], has_fill=True) == {255: 1}
