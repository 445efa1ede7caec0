"""Every remedy that a message about too few groups names: given on the data of the source, and the plan stands."""

from __future__ import annotations

import re

import pytest

from geoml_cli import registry
from geoml_cli.sources.ech.options import EchOptions
from geoml_cli.stages.prepare import Raw, prepare
from geoml_cli.work.reporting import NullReporter

CASES = {
    "blocks": ("soc", ("soc", "map"), ("block_km=90000", "folds=1")),
    "blocks of classes": ("clcd", ("geomamba", "clcd"), ("block_km=90000", "folds=1")),
    "blocks of cells": ("gwsa", ("geomamba", "gwsa-blocks"), ("block_km=90000", "folds=1")),
    "years of towers": ("fluxnet", ("geomamba", "fluxnet"), ("folds=2",)),
    "cells of stations": ("smap", ("mmnet", "small"), ("group_length=10000",)),
    "days": ("ech", ("ech", "two-stage"), ("group_length=10000",)),
    "storms": ("ech", ("ech", "storm"), ()),
    "folds of storms": ("ech", ("ech", "storm"), ("folds=4",)),
}
"""Source, model and preset, and settings of [split] that leave too few groups."""
SMALLER = {"block_km": "20", "group_length": "1"}


@pytest.fixture(scope="module")
def quiet(synthetic, tmp_path_factory):
    """Give a folder of data sets whose samples of ech are of no storm."""
    root = tmp_path_factory.mktemp("quiet")
    prepare(Raw("ech", synthetic("ech"), EchOptions(storm_nt=-5000.0)), root / "ech", NullReporter())
    return root


def alternatives(told: str) -> list[list[str]]:
    """Read the settings of each remedy."""
    found = []
    for words in re.split(r", or |[.] ", " ".join(told.split())):
        sets = re.findall(r"--set (split\.\w+=[\w-]*)", words)
        if smaller := re.search(r"split\.(block_km|group_length) smaller", words):
            sets.append(f"split.{smaller[1]}={SMALLER[smaller[1]]}")
        found += [sets] if sets else []
    return found


@pytest.mark.parametrize("name", CASES)
def test_each_remedy_helps(name, dataset, quiet, geoml, tmp_path, monkeypatch):
    source, (model, preset), wrong = CASES[name]
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path))
    data = quiet if "storms" in name else dataset(source)
    command = ["train", model, "--preset", preset, "--dry-run", "--data", data]
    command += [word for setting in wrong for word in ("--set", f"split.{setting}")]
    told = geoml(*command)
    assert told.code == 3 and "cannot be split" in told.err, told.err
    named = alternatives(told.err)
    assert named, told.err
    for sets in named:
        kept = [word for word in command if str(word).split("=")[0] not in {one.split("=")[0] for one in sets}]
        kept = [word for k, word in enumerate(kept) if word != "--set" or kept[k + 1 : k + 2] != ["--set"]]
        kept = kept[:-1] if kept[-1] == "--set" else kept
        done = geoml(*kept, *(word for one in sets for word in ("--set", one)))
        assert done.code == 0, (sets, done.err)


def test_storms_are_prepared_as_the_note_and_the_message_say(synthetic, quiet, geoml, tmp_path, monkeypatch):
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path))
    told = geoml("train", "ech", "--preset", "storm", "--dry-run", "--data", quiet)
    note = geoml("prepare", "ech", synthetic("ech"), "--data", tmp_path / "note", "--storm-nt", "-5000").err
    assert "Note: There is no storm of SYM-H below -5000 nT (the lowest value is -" in note
    for place, text in enumerate((told.err, note)):
        threshold = re.search(r"--storm-nt (-\d+)", text)
        assert threshold, text
        data = tmp_path / str(place)
        done = geoml("prepare", "ech", synthetic("ech"), "--data", data, "--storm-nt", threshold[1])
        assert done.code == 0 and "storm" not in done.err, done.err
        assert geoml("train", "ech", "--preset", "storm", "--dry-run", "--data", data).code == 0
    assert registry.source_card("ech").more_groups["storm"] in told.err
