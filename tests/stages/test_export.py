"""The card of an export."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from geoml_cli.inference.export_card import _classes, _recipe
from geoml_cli.runs import checkpoint
from geoml_cli.runs.calibration import Difference
from geoml_cli.runs.run import Run
from geoml_cli.samples.samples import InputSignature, Signature


def test_the_card_names_files_of_an_earlier_export(geoml, trained, data_root, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    for form, earlier in (("safetensors", ""), ("pt2", "soc.safetensors"), ("safetensors", "soc.pt2")):
        done = geoml("export", run, "--data", data_root / "soc", "--format", form, "--quiet")
        assert done.code == 0, done.err
        card = (run / "export/soc.md").read_text(encoding="utf-8")
        rows = [line for line in card.splitlines() if line.startswith("| soc.")]
        assert [row.split()[1] for row in rows] == [f"soc.{form}"]
        told = f"Written and compared by an earlier export: {earlier}."
        assert (told in card) == bool(earlier)


def test_the_cards_recipe_gives_the_intervals_of_a_prediction(geoml, trained, data_root, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    given = "--data", data_root / "soc", "--quiet"
    assert geoml("export", run, *given, "--format", "safetensors").code == 0
    assert geoml("predict", run, *given, "--out", tmp_path / "s.csv").code == 0
    card, table = (run / "export/soc.md").read_text(encoding="utf-8"), pd.read_csv(tmp_path / "s.csv")
    recipe = re.search(
        r"About a prediction p it goes from (.+?) to (.+?); (\S+) is the logarithm of the smearing", card
    )
    assert recipe and float(recipe[3]) > 0 and "nothing lies below 0" in card
    names = {"p": table["soc"].to_numpy(), "log": np.log, "exp": np.exp}
    lower, upper = (eval(words, names) for words in recipe.groups()[:2])
    np.testing.assert_allclose(np.maximum(lower, 0), table["soc_lower"], rtol=1e-4)
    np.testing.assert_allclose(upper, table["soc_upper"], rtol=1e-4)


@pytest.mark.parametrize(
    ("difference", "distance", "words"),
    [
        (None, (0.8,), "A set has the classes whose probability is at least 0.2, and the likeliest."),
        (Difference(), (2.5,), "About a prediction p it goes from p - 2.5 to p + 2.5."),
        (
            Difference(most=1.0),
            (0.5, 0.75),
            "About a prediction p it goes from p - d to p + d; d is of the lead times, the first first: 0.5, 0.75; "
            "nothing lies above 1.",
        ),
        (
            Difference(transform="log", smearing=0.25, least_spread=0.5, least=0.0),
            (2.0,),
            "exp(log(p) - 0.25 - 2 * (s + 0.5)) to exp(log(p) - 0.25 + 2 * (s + 0.5)); 0.25 is the logarithm of the "
            "smearing factor that p holds; s is the standard deviation of log(the predictions) of a fold's members",
        ),
    ],
)
def test_a_recipe_says_all_that_intervals_are_made_of(difference, distance, words):
    calibration = SimpleNamespace(difference=difference, quantiles=lambda coverage: np.array(distance))
    assert words in _recipe(SimpleNamespace(calibration=calibration, coverage=0.9))


def test_the_card_says_what_classes_stand_for():
    inputs = {
        "static": InputSignature(shape=(4,), axis=1, names=("height", "rock=1", "rock=2", "soil=7")),
        "land_cover": InputSignature(shape=(1, 1), axis=2, names=("land_cover",)),
    }
    named = SimpleNamespace(has=lambda name: name == "category_name", labels=lambda name: ["water", "forest"])
    text = "\n".join(_classes(Signature(inputs=inputs, target_name="GWS", unit="cm"), named))
    assert "Numbers of classes in `land_cover`: 0 water, 1 forest." in text
    assert "Columns of `rock`, `soil`: 1 in that of the sample's class, 0 in the others." in text
    assert "`geoml predict` gives nothing there, the graph a number all the same" in text
    bits = {"static": InputSignature(shape=(2,), axis=1, names=("height", "land_cover=bit 0"))}
    none = SimpleNamespace(has=lambda name: False)
    assert _classes(Signature(inputs=bits, target_name="GWS", unit="cm"), none) == []


def test_a_network_that_gives_no_number_is_not_exported(geoml, trained, data_root, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    for name in Run(run).members():
        best = Run(run).member(name).checkpoint("best")
        found = checkpoint.read(best)
        checkpoint.write(replace(found, weights={key: value * np.nan for key, value in found.weights.items()}), best)
    done = geoml("export", run, "--data", data_root / "soc", "--format", "safetensors", "--quiet")
    assert done.code == 4 and "gives no number for any of" in " ".join(done.err.split()), done.err
    assert not list((run / "export").glob("soc.*"))
