"""What messages about splits, networks and targets advise helps: read from the message, given, and the plan stands."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest


class Case(NamedTuple):
    """A setting that is refused.

    Attributes:
        source: Whose data are trained on.
        train: Model and preset.
        sets: Settings that are right and stay.
        wrong: The setting that is refused.
        remedy: Regular expression; its group is the setting in its place, or nothing in its place where it has none.
    """

    source: str
    train: tuple[str, ...]
    wrong: str
    remedy: str
    sets: tuple[str, ...] = ()


GWSA = ("gwsa", ("geomamba", "--preset", "gwsa"))
FLUXNET = ("fluxnet", ("geomamba", "--preset", "fluxnet"))
CASES = {
    "steps": Case(*GWSA, "network.steps=3", r"--set (network\.steps=1)"),
    "loss": Case(*GWSA, "loss.kind=cross-entropy", r"--set (loss\.kind=huber)"),
    "categories": Case(*GWSA, "network.categories=3", r"--set (network\.categories=17)"),
    "log": Case(*GWSA, "target.transform=log", r"--set (target\.transform=none)"),
    "log1p": Case(*GWSA, "target.transform=log1p", r"--set (target\.transform=none)"),
    "folds of blocks": Case(*GWSA, "split.folds=5", r"--set (split\.folds=\d)",
                            ("split.kind=blocks", "split.block_km=1000")),
    "size of blocks": Case(*GWSA, "split.block_km=90000", r"(Make split\.block_km smaller)",
                           ("split.kind=blocks", "split.folds=5")),
    "folds of kNNDM": Case(*GWSA, "split.folds=500", r"--set (split\.folds=\d+)", ("split.kind=knndm",)),
    "points of the map": Case(*GWSA, "split.map_points=nix.csv", r"--set (split\.map_points=)",
                              ("split.kind=knndm", "split.folds=5")),
    "start": Case(*GWSA, "train.start_member=all", r"name it with (start_run) \(--from RUN\)"),
    "scaling": Case(*GWSA, "train.rescale=true", r"name it with (start_run) \(--from RUN\)"),
    "folds of years": Case(*FLUXNET, "split.folds=5", r"--set (split\.folds=\d)"),
    "batch": Case("smap", ("mmnet",), "train.batch_size=1", r"--set (train\.batch_size=2)"),
    "parts of a batch": Case("smap", ("mmnet",), "train.accumulate=2", r"--set (train\.accumulate=1)"),
    "days": Case("smap", ("mmnet",), "network.days=40000", r"Use --set (network\.days) with a smaller number"),
    "transform of maps": Case("grid", ("tidenet", "--preset", "small"), "target.transform=log",
                              r"--set (target\.transform=none)"),
    "scaling of classes": Case("clcd", ("geomamba", "--preset", "clcd"), "target.scaling=standard",
                               r"--set (target\.scaling=none)"),
    "share of a split in time": Case("grid", ("tidenet", "--preset", "small"), "split.test=0.9",
                                     r"--set (split\.test)=SHARE smaller than 0\.9"),
    "crop": Case("grid", ("tidenet", "--preset", "small"), "frames.crop=[5000,0,16,16]",
                 r"--set (frames\.crop=\[\])"),
}  # fmt: skip
INSTEAD = {
    "size of blocks": "split.block_km=200",
    "start": "",
    "scaling": "",
    "days": "network.days=10",
    "share of a split in time": "split.test=0.2",
}
"""What the user gives where the message leaves the number to them."""


@pytest.mark.parametrize("name", CASES)
def test_what_a_message_advises_helps(name, dataset, geoml, tmp_path, monkeypatch):
    case = CASES[name]
    monkeypatch.setenv("GEOML_RUNS", str(tmp_path))
    sets = [word for setting in case.sets for word in ("--set", setting)]
    command = ["train", *case.train, "--dry-run", "--data", dataset(case.source), *sets]
    told = geoml(*command, "--set", case.wrong)
    assert told.code in (2, 3), (told.code, told.err)
    found = re.search(case.remedy, told.err)
    assert found, told.err
    instead = INSTEAD.get(name, found[1])
    done = geoml(*command, *(("--set", instead) if instead else ()))
    assert done.code == 0, (instead, done.err)
