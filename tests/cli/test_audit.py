"""`geoml audit`: exit codes, its one JSON document, and its lines in the report."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from geoml_cli.dataset.files import sha256
from geoml_cli.runs.run import Run


def test_a_run_by_blocks_passes_and_its_report_says_so(geoml, trained, data_root, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")  # others use the run as it is
    done = geoml("audit", run, "--data", data_root / "soc", "--json")
    assert done.code == 0, done.out + done.err
    found = json.loads(done.out)
    assert found["passes"] and {line["outcome"] for line in found["lines"]} <= {"pass", "warn", "not applicable"}
    assert geoml("evaluate", run, "--data", data_root / "soc", "--quiet").code == 0
    metrics = json.loads((Run(run).evaluation("test") / "metrics.json").read_text())
    assert metrics["audit"] == found["lines"]
    assert "audit.csv" in (Run(run).evaluation("test") / "report.html").read_text(encoding="utf-8")


@pytest.fixture
def leaking(trained, tmp_path):
    """A copy of the run with five test rows among the training rows; its checksums are those of the copy."""
    from dataclasses import replace

    folder = tmp_path / "leaking"
    shutil.copytree(trained, folder)
    run = Run(folder)
    name = run.planned()[0]
    split = run.split(name)
    replace(split, train=np.sort(np.concatenate([split.train, split.test[:5]]))).write(run.member(name).split)
    text = (folder / "run.json").read_text()
    document = json.loads(text)
    [key] = [key for key in document["checksums"] if key.endswith(f"{name}/split.json")]
    document["checksums"][key] = sha256(run.member(name).split)
    (folder / "run.json").write_text(json.dumps(document))
    return folder


def test_test_rows_among_the_training_rows_end_with_exit_4(geoml, leaking, data_root):
    done = geoml("audit", leaking, "--data", data_root / "soc")
    assert done.code == 4 and "test rows trained on" in done.out, done.out + done.err
    told = geoml("evaluate", leaking, "--data", data_root / "soc", "--quiet")
    assert told.code == 0 and "The audit of the splits fails: test rows trained on" in told.err
