"""The documentation builds without a warning and without network."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("sphinx", "myst_parser", "furo")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]


@pytest.mark.skipif(bool(MISSING), reason=f"the extra docs is not installed: {', '.join(MISSING)}")
def test_the_documentation_builds_without_a_warning(tmp_path):
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "--keep-going", "-b", "html", "-d", str(tmp_path / "d")]
    built = subprocess.run([*command, "docs", str(tmp_path / "html")], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    page = (tmp_path / "html" / "reference" / "settings.html").read_text(encoding="utf-8")
    assert "train.batch_size" in page
    decisions = (tmp_path / "html" / "decisions" / "index.html").read_text(encoding="utf-8")
    for path in (ROOT / "docs" / "decisions").glob("0*.md"):
        assert f"{path.stem}.html" in decisions


def test_every_decision_has_its_four_parts():
    pages = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    assert [path.name[:4] for path in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for path in pages:
        text = path.read_text(encoding="utf-8")
        parts = ["\nStatus: ", "\n## Context\n", "\n## Decision\n", "\n## Consequences\n"]
        places = [text.find(part) for part in parts]
        assert -1 not in places and places == sorted(places), path.name
