"""A preset that is not meant for the data names those that are."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from geoml_cli.splits.left_to_train import excluded, few
from geoml_cli.splits.settings import SplitSettings
from geoml_cli.splits.split import Split


@pytest.fixture
def data(data_root, tmp_path):
    """Give daily data of fluxnet, as far as choosing a preset looks at them, and data of soc."""
    folder = shutil.copytree(data_root, tmp_path / "data")
    shutil.copytree(folder / "soc", folder / "fluxnet")
    path = folder / "fluxnet" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest |= {"source": "fluxnet", "facts": {"step_minutes": 1440}}
    path.write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ("--preset", "fluxnet-halfhourly"),
            2,
            "meant for steps of a half-hour, these data have steps of a day",
        ),
        (("--preset", "fluxnet-halfhourly"), 2, "Presets for these data: fluxnet (--preset). Or train on them"),
        ((), 3, "Of other presets: fluxnet is there, for --preset fluxnet."),
    ],
)
def test_presets_that_fit_are_named(geoml, data, arguments, code, message):
    done = geoml("train", "geomamba", "--data", data, "--dry-run", *arguments)
    assert done.code == code and message in done.err


def test_data_of_another_source_are_refused(geoml, data):
    done = geoml("train", "geomamba", "--preset", "clcd", "--data", data / "fluxnet", "--dry-run")
    assert done.code == 2 and "preset clcd is trained on data of clcd, these are of fluxnet" in done.err
    assert "Presets for these data: fluxnet (--preset)" in done.err


def test_the_remedy_lets_other_steps_pass(geoml, data):
    given = ("train", "geomamba", "--preset", "fluxnet-halfhourly", "--data", data, "--dry-run")
    assert "steps of a day" not in geoml(*given, "--set", "data.step=day").err
    other = geoml(*given, "--set", "data.step=week").err
    assert (
        "data.step = 'week' (--set data.step), these data have steps of a" in other
        and "preset" not in other.split("Or")[0].split("geoml: ")[1].split(":")[1]
    )


def test_a_warm_up_that_outlasts_the_training_is_told(geoml, data_root):
    steps = ("--set", "train.steps=10", "--set", "train.evaluate_steps=5")
    given = ("train", "soc", "--preset", "map", "--data", data_root, "--dry-run", *steps)
    done = geoml(*given, "--set", "train.warmup_steps=50")
    assert done.code == 0 and "is never reached: 50 warmup_steps of 10 steps" in done.err
    assert "never reached" not in geoml(*given, "--set", "train.warmup_steps=5").err


def test_a_training_on_few_of_the_samples_is_warned_of():
    split = Split(np.arange(5), np.arange(5, 9), np.arange(9, 30), fold="fold-1", seed=1, overlaps_excluded=4)

    def warned(split, kind):
        return list(
            few({"fold-1": split}, SplitSettings(kind=kind, group_by="station_index" if kind == "groups" else ""))
        )

    assert len(list(excluded({"fold-1": split}))) == 1 and not warned(split, "random")
    split = replace(split, near_excluded=2)
    begin = "More samples were excluded than are left to train (5 of fold-1). What excludes a smaller share: "
    windows = "shorter windows, where a setting of [network] gives their length; a longer series."
    held_out = "whole groups or years held out (split.kind)"
    assert warned(split, "random") == [f"{begin}a smaller split.buffer_km; {held_out}; {windows}"]
    split = replace(split, near_excluded=0, overlaps_excluded=9)
    assert warned(split, "groups") == [f"{begin}{windows}"], "whole storms are held out already"
    split = replace(split, near_excluded=9, overlaps_excluded=0)
    assert warned(split, "blocks") == [f"{begin}a smaller split.buffer_km."]
