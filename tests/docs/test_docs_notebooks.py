"""The Python code of the page for notebooks runs from top to bottom, and gives what the page says."""

import re
from pathlib import Path

import pandas as pd
import pytest

from geoml_cli.samples.requests import PredictionRequest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "notebooks.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """Run all blocks in one namespace, in a folder of their own; give the namespace."""
    namespace: dict[str, object] = {"folder": tmp_path_factory.mktemp("notebook")}
    text = PAGE.read_text(encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(namespace["folder"])
        for match in BLOCK.finditer(text):
            # Empty lines in front give an error the line number of the page.
            line = text[: match.start()].count("\n") + 1
            exec(compile("\n" * line + match[1], str(PAGE), "exec"), namespace)
        yield namespace


def test_every_stage_is_shown(notebook):
    assert {"prepare", "train", "evaluate", "predict", "export"} <= set(notebook)


def test_the_data_set_and_the_members_are_those_the_page_names(notebook):
    assert notebook["dataset"].unit("soc") == "g kg-1"
    assert len(notebook["dataset"].array("soc")) == notebook["prepared"].manifest.funnel.kept
    assert notebook["run"].members() == ["fold-1-seed-1", "fold-1-seed-2", "fold-2-seed-1", "fold-2-seed-2"]


def test_objects_and_metrics_json_hold_the_same_scores(notebook):
    written = notebook["evaluation"].document["network"]["scores"]["RMSE"]
    assert (written["value"], written["unit"]) == (notebook["rmse"].value, notebook["rmse"].unit)
    assert notebook["evaluation"].document["summary"] == notebook["result"].summary
    assert notebook["evaluation"].report.name == "report.html"


def test_predictions_without_a_file_equal_those_of_the_file(notebook):
    table = pd.read_csv(notebook["folder"] / "samples.csv")
    assert table["soc"].to_numpy() == pytest.approx(notebook["mean_N"], rel=1e-6)
    assert table["soc_ensemble_std"].to_numpy() == pytest.approx(notebook["ensemble_std_N"], rel=1e-4, abs=1e-6)


def test_the_map_covers_the_pixels_that_the_summary_counts(notebook):
    assert notebook["mean_YX"].size == notebook["summary"].count
    assert int((notebook["mean_YX"] != notebook["mean_YX"]).sum()) == notebook["summary"].missing


def test_the_export_is_within_its_tolerance(notebook):
    [exported] = notebook["exported"]
    assert exported.difference <= exported.allowed


def test_the_message_of_a_wrong_setting_names_the_right_one(notebook, capsys):
    block = BLOCK.findall(PAGE.read_text(encoding="utf-8"))[-1]
    exec(block, notebook)
    assert "batch_sze is not a setting. Did you mean batch_size?" in capsys.readouterr().out


def test_the_table_of_requests_names_every_field():
    table = "".join(line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("|"))
    assert not [name for name in PredictionRequest.__dataclass_fields__ if f"{name}=" not in table]


def test_intervals_without_a_file_equal_those_of_the_file(notebook):
    table = pd.read_csv(notebook["folder"] / "samples.csv")
    assert table["soc_lower"].to_numpy() == pytest.approx(notebook["lower_N"], rel=1e-5)
    assert table["soc_upper"].to_numpy() == pytest.approx(notebook["upper_N"], rel=1e-5)
    assert table["applicable"].to_numpy() == pytest.approx(notebook["applicable_N"])
