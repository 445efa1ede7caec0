"""Options that are made from fields: lists, and values of another kind."""

from __future__ import annotations

import json

import pytest

from geoml_cli.cli.options_from import validated
from geoml_cli.errors import SettingsError
from geoml_cli.sources.smap.options import SmapOptions


@pytest.mark.parametrize(
    ("given", "years"),
    [(["2019,2020"], (2019, 2020)), (["2019", "2020"], (2019, 2020)), (["2019, 2020", "2022"], (2019, 2020, 2022))],
)
def test_lists_divide_at_commas(given, years):
    assert validated(SmapOptions, {"years": given}).years == years


def test_a_name_with_a_comma_is_quoted():
    assert validated(SmapOptions, {"nodata": ['"rain, daily=-1",slope=0']}).nodata == ("rain, daily=-1", "slope=0")


@pytest.mark.parametrize("given", ["2019,", "", "2019,,2020"])
def test_a_place_left_empty_in_a_list_is_no_value(given):
    for name in ("years", "nodata"):
        with pytest.raises(SettingsError, match=rf"--{name}: an item of the list is empty"):
            validated(SmapOptions, {name: [given]})


def test_names_keep_their_letters_in_refusals(geoml):
    refused = geoml("prepare", "fluxnet", ".", "--dynamic", "TA_F,TA_F")
    assert refused.code == 2 and "TA_F is named twice" in refused.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("prepare", "soc", ".", "--window", "x"), "'--window': 'x': must be a whole number."),
        (("predict", "soc", "--index", "x"), "'--index': 'x': must be a whole number."),
        (("train", "soc", "--gpus", "0"), "'--gpus': '0': must be 1 or more."),
        (("prepare", "clcd", ".", "--strategy", "x"), "'x' is not one of 'balanced', 'proportional'."),
        (("prepare", "smap", ".", "--years", "2019,x"), "--years x: must be a whole number."),
    ],
)
def test_values_of_another_kind_are_refused_in_our_words(words, told, geoml, monkeypatch):
    monkeypatch.delenv("GEOML_DEBUG")
    refused = geoml(*words)
    assert refused.code == 2 and told in refused.err
    assert not any(word in refused.err for word in ("Input", "parse", "Value error", ".."))


def test_the_error_of_an_option_is_json_too(geoml):
    refused = geoml("predict", "soc", "--index", "x", "--json")
    assert json.loads(refused.out)["error"]["what"] == "Invalid value for '--index': 'x': must be a whole number."


def test_a_quoted_name_of_predict_is_divided_once(geoml, trained, data_root, raw_soc, tmp_path):
    """Tables of points and maps both have --nodata: what one class divides, the next must not divide again."""
    given = ("--map", "--rasters", raw_soc / "covs", "--out", tmp_path / "m.tif", "--nodata", '"rain, daily=-1"')
    refused = geoml("predict", trained, "--data", data_root, *given)
    assert refused.code in (2, 3) and "rain, daily" in refused.err
