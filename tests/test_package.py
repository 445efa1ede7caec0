"""The wheel, and the demo: what a newcomer gets."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_wheel_carries_presets_and_templates_and_works_from_any_folder(tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet", "-w", str(tmp_path)]
    subprocess.run([*build, str(ROOT)], check=True, capture_output=True)
    wheel = next(tmp_path.glob("geoml-*.whl"))
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        archive.extractall(unpacked)
    presets = {path.relative_to(ROOT).as_posix() for path in (ROOT / "presets").rglob("*.toml")}
    assert presets and {f"geoml_cli/{name}" for name in presets} <= names
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / "geoml_cli").rglob("*") if path.is_file()}
    assert {name for name in sources if "__pycache__" not in name} <= names
    assert not [name for name in names if name.startswith(("tests/", "docs/"))]
    script = f"import sys; sys.path.insert(0, {str(unpacked)!r}); sys.argv = ['geoml', 'list', 'presets']\n"
    script += "from geoml_cli.cli.app import main; import geoml_cli; print(geoml_cli.__file__); main()"
    done = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert str(unpacked) in done.stdout and "paper" in done.stdout, done.stderr


@pytest.mark.slow
def test_the_demo_ends_with_the_paths_of_map_and_report(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "geoml_cli", "demo", "--folder", "a demo"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    for verb in ("prepare", "train", "evaluate", "predict", "export"):
        assert re.search(rf"^\$ geoml {verb} ", done.stderr, re.M)
    paths = [
        line.split(maxsplit=1)[1].strip() for line in done.stdout.splitlines() if line.startswith(("report ", "map "))
    ]
    assert [Path(path).suffix for path in paths] == [".html", ".tif"]
    assert all((tmp_path / path).is_file() for path in paths)
    html = (tmp_path / paths[0]).read_text()
    assert not re.search(r"""(src|href)=["']?https?://""", html)


def test_versions_that_are_tested_are_those_that_are_allowed():
    """Every requirement of the project has its pin, and torch is the one that comes as a CPU build."""
    from packaging.requirements import Requirement
    from packaging.version import Version

    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(), re.M))
    known = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pins.items()}
    assert known["torch"] == "2.13.0"
    text = (ROOT / "pyproject.toml").read_text()
    block = text[text.index("dependencies = [") : text.index("[project.scripts]")]
    for found in re.findall(r'^\s*"([^"]+)",?$', block, re.M):
        requirement = Requirement(found)
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        if name in ("geoml", "tomli", "causal-conv1d", "mamba-ssm"):
            continue
        assert requirement.specifier.contains(Version(known[name]), prereleases=True), found
