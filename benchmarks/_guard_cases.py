"""What `benchmarks.guard` runs on both sides, and how each side spells it.

The tables here are what a refactoring edits: new commands and settings of its side, renamed results, faults fixed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

RENAMED: dict[str, str] = {
    r"purged$": "overlaps_excluded",
    r"_spread\b": "_ensemble_std",
    r"per_class\.csv": "per_group.csv",
    r"metrics\.json: parts\.": "metrics.json: networks.",
    r"metrics\.json: chain\.": "metrics.json: pipeline.scores.",
    r"\bchain_classes\[([^\]]+)\]": r"pipeline.groups[\1|ech]",
    r"\bclasses\[": "groups[",
    r"intervals\.draws$": "intervals.n_bootstrap",
    r"new to the network\|(\w+) and (\w+)\|": r"novelty|unseen \1 and unseen \2|",
    r"new to the network\|(\w+)\|": r"novelty|unseen \1|",
}
"""Pattern of a value's name on the base's side to what the new side calls it, for `re.sub`.

A value's name is that of a difference, such as `metrics.json: network.scores.RMSE.value` or
`fold-1-seed-1/best: cnn.0.weight`. Entries are applied one after another, to all kinds of values.
"""

EXPECTED: dict[str, str] = {
    r"ech/two-stage: scores: .*pipeline\.groups\[.* of hits": "an undefined score is null; it was left out",
    r"ech/two-stage: predictions: .*(logit|probability|presence|amplitude\b)": (
        "members' probabilities are averaged, as in evaluation; logits were"
    ),
    r"ech/two-stage: scores: .*importance\.": "all columns of a covariate are shuffled together",
    r"ech/two-stage: scores: .*network\.scores\.R\.low$": "a correlation of nearly 0: sums are taken in another order",
    r"ech/two-stage: scores: .*pipeline\.n$": "the number of rows is given as well",
    r"score tables: across_stations\.csv": "the table is new",
    r"geomamba/clcd: (scores|score tables): ": (
        "classes are scored by the members' mean probability, as they are delivered; a majority vote was"
    ),
    r"ech/two-stage: (scores|score tables): .*wilcoxon_p$": "groups are too few for a test to show anything",
    r"ech/two-stage: predictions: .*predictions\.csv: (lat|lon)$": "magnetic positions are no longitudes and latitudes",
    r"soc/map: (split and scaling|weights|scores|score tables|predictions): ": (
        "each fold validates on blocks of its own, where all drew the same before; logarithms have a smearing factor"
    ),
    r"geomamba/fluxnet: ": "validation in turn, and presets and prepared data of fluxes that were changed on purpose",
    r"geomamba/(gwsa|gwsa-blocks|clcd): (split and scaling|weights|scores|score tables|predictions): ": (
        "kernels add up 16 numbers at once, in another order; blocks validate in turn"
    ),
}
"""Pattern, for `re.search` in `MODEL/PRESET: KIND: NAME`, to the change that explains the difference.

The last three hide others behind them: these cases are compared with a later commit as well (`--base`), from which
nothing may differ."""

BASE_STEPS: dict[str, str] = {
    "prepare": "prepare {source} {raw}",
    "train": "train {model} --preset {preset} --run {run} --quiet",
    "evaluate": "evaluate {run} --quiet",
    "samples": "predict {run} --out {out} --quiet",
    "table": "predict {run} --table {raw}/{table} --out {out} --quiet",
    "map": "predict {run} --map --out {out} --quiet",
    "moment": "predict {run} --map 2013-03-20T00:00 --out {out} --quiet",
    "sums": "predict {run} --sums year --out {out} --quiet",
}
"""Step to the words after `geoml`, as the base has them; settings are added as `--set KEY=VALUE`."""

NEW_STEPS: dict[str, str] = {**BASE_STEPS}
"""The same for the new side: what is spelled differently there goes after `**BASE_STEPS`."""

NEW_SETTINGS: dict[str, str] = {
    "evaluate.draws": "evaluate.n_bootstrap",
    "split.consecutive": "split.group_length",
    "split.also": "split.second_group",
    "split.by": "split.group_by",
    "split.purge": "split.exclude_overlaps",
    "train.keep": "train.restore",
}
"""Setting's key (`evaluate.draws`), or option of `prepare` (`--points`), of the base to that of the new side."""


@dataclass(frozen=True)
class Side:
    """One of the two versions of the code, and the folder it writes to.

    Attributes:
        name: `base` or `new`.
        python: The interpreter that has the requirements.
        code: The checkout whose `geoml_cli` is imported.
        folder: Prepared data, runs, predictions and logs.
        steps: Step to the words of its command.
        settings: The base's key of a setting, or option of `prepare`, to this side's, where they differ.
    """

    name: str
    python: Path
    code: Path
    folder: Path
    steps: Mapping[str, str]
    settings: Mapping[str, str] = field(default_factory=dict)

    def command(self, step: str, places: Mapping[str, object], settings: Mapping[str, str]) -> list[str]:
        """Return the words after `python -m geoml_cli` of a step."""
        words = [word.format(**places) for word in self.steps[step].split()]
        for key, value in settings.items():
            words += ["--set", f"{self.settings.get(key, key)}={value}"]
        return words

    def options(self, words: Sequence[str]) -> list[str]:
        """Return options of `prepare`, as the base spells them, in this side's words."""
        return [self.settings.get(word, word) for word in words]


@dataclass(frozen=True)
class Case:
    """A preset, trained small with two seeds.

    Attributes:
        predictions: File name of predictions to the step that writes it.
        table: File among the raw files that step `table` predicts.
    """

    model: str
    preset: str
    source: str
    train: Mapping[str, str]
    evaluate: Mapping[str, str]
    predictions: Mapping[str, str]
    table: str = ""

    @property
    def name(self) -> str:
        """Name it in lists of differences."""
        return f"{self.model}/{self.preset}"


SEEDS = "[1,2]"
_BASELINES = '"gradient-boosting","logistic","mean","random-forest","ridge"'
# One thread: the order of additions, and with it the last digits, would else depend on what the machine is doing.
_TRAIN = {"split.seeds": SEEDS, "train.threads": "1"}
_QUICK = {"evaluate.draws": "100", "evaluate.importance_repeats": "1", "evaluate.importance_rows": "50"}
_EVALUATE = {**_QUICK, "evaluate.baselines": f'["climatology",{_BASELINES}]'}
_GEOMAMBA = {**_TRAIN, "network.embedding": "8", "network.width": "8", "network.layers": "1", "train.batch_size": "64"}
_STEPS = {"train.steps": "24", "train.evaluate_steps": "12"}

CASES = (
    Case(
        model="soc",
        preset="map",
        source="soc",
        train={
            **_TRAIN,
            "network.variant": "cnn-lstm",
            "split.block_km": "8",  # the synthetic country is small
            "split.folds": "2",
            "train.epochs": "3",
        },
        # Samples of soc have no classes that a climatology could be a mean of.
        evaluate={**_QUICK, "evaluate.baselines": f"[{_BASELINES}]"},
        predictions={"samples.csv": "samples", "table.csv": "table", "map.tif": "map"},
        table="points.csv",
    ),
    Case(
        model="ech",
        preset="two-stage",
        source="ech",
        # Sizes with which the classifier says yes to some samples and no to others; all scores are then defined.
        train={
            **_TRAIN,
            "inputs.scaling": "standard",
            "target.scaling": "standard",
            "network.hidden": "8",
            "wave.threshold": "-3",
            "grid.l_cells": "9",
            "grid.mlt_cells": "12",
            "split.consecutive": "4",
            "train.batch_size": "64",
            "train.epochs": "4",
            "train.lr": "3e-3",
        },
        evaluate=_EVALUATE,
        predictions={"samples.nc": "samples", "moment.nc": "moment"},
    ),
    Case(
        model="geomamba",
        preset="gwsa",
        source="gwsa",
        train={**_GEOMAMBA, **_STEPS},
        evaluate=_EVALUATE,
        predictions={"table.csv": "table", "map.nc": "map"},
        table="gwsa.csv",
    ),
    Case(
        model="geomamba",
        preset="gwsa-blocks",
        source="gwsa",
        train={**_GEOMAMBA, **_STEPS, "split.block_km": "60"},
        evaluate=_EVALUATE,
        predictions={"samples.csv": "samples"},
    ),
    Case(
        model="geomamba",
        preset="fluxnet",
        source="fluxnet",
        train={**_GEOMAMBA, **_STEPS, "split.folds": "3"},  # of three years a fold tests one
        evaluate=_EVALUATE,
        predictions={"samples.csv": "samples", "sums.csv": "sums"},
    ),
    Case(
        model="geomamba",
        preset="clcd",
        source="clcd",
        train={**_GEOMAMBA, "split.block_km": "10", "train.epochs": "10"},
        evaluate=_EVALUATE,
        predictions={"samples.csv": "samples", "map.tif": "map"},
    ),
)
