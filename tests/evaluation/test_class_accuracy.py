"""Scores of classes in an evaluation."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from geoml_cli.evaluation.class_accuracy import class_accuracy, class_record, class_rows
from geoml_cli.metrics.intervals import Bootstrap

OBSERVED = np.repeat([0.0, 1.0], [60, 60])
PREDICTED = np.where(np.arange(120) % 4 == 0, 1 - OBSERVED, OBSERVED)
GROUPS = np.arange(120) % 12


def scored(pixels):
    inputs = SimpleNamespace(
        task=SimpleNamespace(class_names=("forest", "water", "wetland")),
        dataset=SimpleNamespace(manifest=SimpleNamespace(facts={"pixels": pixels})),
        bootstrap=Bootstrap(200, 1),
    )
    return class_accuracy(inputs, SimpleNamespace(observed_P=OBSERVED, groups_P=GROUPS), {"net": PREDICTED})


def test_a_class_without_a_row_is_told_with_its_share():
    found = scored((800, 100, 100))
    [draw, missing] = found.notes
    assert "forest 50 % of rows and 80 % of pixels, water 50 % of rows and 10 % of pixels" in draw
    assert missing.startswith("No row here is of wetland 10 % of the pixels") and "the other classes" in missing
    assert [one.name for one in found.by_model["net"]] == ["forest", "water"]
    assert found.of_map["net"]["accuracy"].value == pytest.approx(0.75)
    assert scored((500, 500, 0)).notes == []
    [alone] = scored((450, 450, 100)).notes
    assert alone.startswith("No row here is of wetland 10 %")
    assert scored(()).notes == []


def test_scores_have_bounds_and_a_row_each():
    columns, *rows = class_rows(scored((800, 100, 100)))
    assert len(rows) == 2 and all(len(row) == len(columns) for row in rows)
    low, value, high = (rows[0][columns.index(f"users_accuracy{end}")] for end in ("_low", "", "_high"))
    weighted = 8 / 9 * 45 / 60, 1 / 9 * 15 / 60
    assert value == pytest.approx(weighted[0] / sum(weighted)) and low <= value <= high
    record = class_record(scored((800, 100, 100)))["classes"]
    assert record["weighted_by_pixels"] and set(record["models"]["net"]["each"]) == {"forest", "water"}
