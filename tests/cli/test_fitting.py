"""A preset that is not meant for the data names those that are."""

from __future__ import annotations

import json
import shutil

import pytest


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
        ((), 3, "Make it with `geoml prepare gwsa RAW`. Of other presets: fluxnet is there, for --preset fluxnet."),
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
