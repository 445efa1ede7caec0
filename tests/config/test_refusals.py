"""No setting and no option of prepare is refused in pydantic's words."""

from __future__ import annotations

import re
from typing import get_origin

import pytest
from command_line import settings

from geoml_cli import registry
from geoml_cli.cli.options_from import validated
from geoml_cli.config.load import load
from geoml_cli.config.refusals import refusal
from geoml_cli.errors import SettingsError

FOREIGN = re.compile(r"[Ii]nput should|pydantic|valid dictionary|unable to parse|is not a value of this setting|\{")
WRONG = ("x", "-1e9", "{a=1}")


def test_settings_are_refused_in_our_words():
    told: set[str] = set()
    tried: set[str] = set()
    for model in registry.models():
        preset = registry.presets(model)[0]
        keys = settings() & load(model, preset, None, {}, []).flat().keys() - tried
        tried |= keys
        for key in sorted(keys):
            for value in WRONG:
                try:
                    load(model, preset, None, {}, [f"{key}={value}"])
                except SettingsError as error:
                    told.add(str(error))
    assert len(told) > 100
    assert not [text for text in told if FOREIGN.search(text.replace(": {'a': 1}", ""))]


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("train.lr=true", "lr = True: must be a number."),
        ("train.steps=true", "steps = True: must be a whole number."),
        ("split.seeds=[1, true]", "seeds = [1, True]: must be a whole number."),
        ("predict.coverage=false", "coverage = False: must be a number."),
        ("train.restore=true", "restore = True: must be text."),
    ],
)  # fmt: skip
def test_true_and_false_are_no_numbers(setting, reason):
    with pytest.raises(SettingsError, match=re.escape(reason)):
        load("geomamba", "gwsa", None, {}, [setting])
    assert not load("geomamba", "gwsa", None, {}, ["train.calibrate=false"]).shared.train.calibrate


@pytest.mark.parametrize("source", registry.sources())
def test_options_are_refused_in_our_words(source):
    options = registry.source_card(source).options
    for name, field in options.model_fields.items():
        several = get_origin(field.annotation) is tuple  # the command line gives a list
        for value in (("x",), ("",)) if several else ("x", "-1e9", ("x",), -1, 1.5, {"a": 1}, float("nan")):
            try:
                validated(options, {name: value})
            except SettingsError as error:
                assert not FOREIGN.search(str(error).replace("{'a': 1}", "")), str(error)


def test_a_kind_that_nobody_thought_of_is_still_refused_in_words():
    assert refusal({"type": "decimal_max_digits", "msg": "Decimal input should have ..."}) == (
        "is not a value of this setting"
    )
