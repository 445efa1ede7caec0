"""Every preset that ships parses, belongs to its folder, and says what it is."""

from __future__ import annotations

import re

import pytest

from geoml_cli import registry
from geoml_cli.config.load import load
from geoml_cli.training.fitting import without_effect

PRESETS = sorted(path.relative_to(registry.presets_folder()) for path in registry.presets_folder().rglob("*.toml"))


@pytest.mark.parametrize("path", PRESETS, ids=str)
def test_a_preset_is_valid(path):
    model = path.parent.name
    settings = load(model, path.stem, None, {})
    assert settings.model == model
    assert settings.shared.source in registry.sources()
    assert settings.shared.summary
    assert not without_effect(settings)


@pytest.mark.parametrize("path", PRESETS, ids=str)
def test_options_of_prepare_that_a_preset_names_are_its_sources_defaults(path):
    shared = load(path.parent.name, path.stem, None, {}).shared
    defaults = registry.source_card(shared.source).options
    for name, value in shared.data.options.items():
        # As the manifest of a data set holds it.
        default = defaults.model_fields[name].default
        assert value == (list(default) if isinstance(default, tuple) else default)


@pytest.mark.parametrize("model", registry.models())
def test_a_model_has_its_default_preset_and_a_card(model):
    card = registry.card(model)
    assert card.default_preset in registry.presets(model)
    # Without a DOI it is a manuscript, or a paper that volume and issue identify.
    identified = "manuscript" in card.paper or re.search(r"\d+\(\d+\)", card.paper)
    assert card.doi.startswith("10.") or (card.doi == "" and identified)
    assert card.title and card.paper
    assert card.demo.source in registry.sources()


def test_presets_say_only_what_differs_from_the_default():
    for path in PRESETS:
        settings = load(path.parent.name, path.stem, None, {})
        tables = type(settings.shared)(model="x", source="x").model_dump()
        same = [
            key
            for key, value in settings.flat().items()
            if key in settings.origins
            and "." in key
            and key.split(".")[0] in ("inputs", "target", "predict", "export")
            and tables[key.split(".")[0]][key.split(".")[1]] == value
        ]
        assert not same, f"{path} repeats {same}"


@pytest.mark.parametrize("path", PRESETS, ids=str)
def test_a_schedule_ends_where_training_ends(path):
    """But for `gwsa`, whose paper has the rate rise and fall every 1500 steps."""
    train = load(path.parent.name, path.stem, None, {}).shared.train
    if train.schedule == "constant" or path.parts == ("geomamba", "gwsa.toml"):
        return
    assert train.cosine_steps is None and train.lr_min < 0.01 * train.lr
    assert train.patience is None, "a member that stops early ends with a rate that has not fallen"
