"""Completion in the shell: models, presets, sources and runs."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from geoml_cli import registry

SCRIPT = "import sys; sys.argv[0] = 'geoml'; from geoml_cli.cli.app import main; main()"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("geoml train so", {"soc"}),
        ("geoml train soc --preset ", set(registry.presets("soc"))),
        ("geoml train soc --preset pa", {"paper"}),
        ("geoml prepare so", {"soc"}),
        ("geoml evaluate RUNS", {"RUNS/soc/map/20260101-000000"}),
        ("geoml export soc --format on", {"onnx"}),
    ],
)
def test_what_is_completed(trained, words, expected):
    root = str(trained.parents[2])
    words = words.replace("RUNS", root)
    own = {**os.environ, "GEOML_RUNS": root, "_GEOML_COMPLETE": "complete_bash", "COMP_WORDS": words}
    own["COMP_CWORD"] = str(len(words.split(" ")) - 1)
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=own, capture_output=True, text=True)
    assert set(done.stdout.split()) == {name.replace("RUNS", root) for name in expected}, done.stderr
