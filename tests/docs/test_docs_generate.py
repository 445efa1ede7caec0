"""The generated pages say what the code says."""

from pathlib import Path
from typing import Literal

import generate
import pytest
from pydantic import Field

from geoml_cli import registry
from geoml_cli.config.load import load
from geoml_cli.samples.settings import Table

PACKAGE = Path(generate.__file__).parents[1] / "geoml_cli"


def test_every_setting_of_every_preset_is_documented():
    page = generate.settings()
    for model in registry.models():
        for key in load(model, environment={}).flat():
            documented = "data.options" if key.startswith("data.options.") else key  # its keys are those of a source
            assert f"| `{documented}` |" in page, key


def test_no_setting_lacks_a_meaning():
    rows = [line for line in generate.settings().splitlines() if line.startswith("| `")]
    assert len(rows) > 40
    assert not [row for row in rows if row.endswith("|  |")]


class Sample(Table):
    kind: Literal["one", "two"] = "one"
    """Which."""

    share: float | None = Field(default=None, gt=0, lt=1)
    """How much."""

    sizes: tuple[int, ...] = Field(default=(1, 2), min_length=1)
    """How large."""


def test_a_field_becomes_a_row_with_value_default_and_meaning():
    assert generate._fields(Sample, "table", nested=True)[2:] == [
        '| `table.kind` | `"one"` or `"two"` | `"one"` | Which. |',
        "| `table.share` | number or none, above 0, below 1 | `none` | How much. |",
        "| `table.sizes` | list of whole number, at least 1 of them | `[1, 2]` | How large. |",
    ]


def test_every_command_and_option_is_documented():
    page = generate.commands()
    for name in ("geoml train", "geoml preset show", *(f"geoml prepare {source}" for source in registry.sources())):
        assert f"\n## {name}\n" in page
    for name, command, _ in generate.walk():
        section = page.split(f"\n## {name}\n")[1].split("\n## ")[0]
        for parameter in command.params:
            for option in parameter.opts:
                assert not option.startswith("--") or option in section, f"{name} {option}"


def test_the_tree_has_a_line_with_words_for_every_module():
    lines = generate.tree().splitlines()[1:-1]
    modules = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    packages = list(PACKAGE.rglob("__init__.py"))
    assert len(lines) == len(modules) + len(packages)
    silent = [line for line in lines if len(line.split(maxsplit=1)) < 2]
    assert not silent, "a module without a docstring"


def test_presets_are_shown_as_they_are_written():
    page = generate.presets()
    for model in registry.models():
        for preset in registry.presets(model):
            assert registry.preset_file(model, preset).read_text(encoding="utf-8").rstrip() in page


def test_pages_that_are_no_longer_made_go(tmp_path):
    (tmp_path / "old.md").write_text("old", encoding="utf-8")
    generate.write(tmp_path)
    assert {path.stem for path in tmp_path.iterdir()} == set(generate.PAGES)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    generate.write(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("--member <list[str]>", "--member TEXT"),
        ("--gpus <int range>", "--gpus N"),
        ("--split <test|validation>", "--split test|validation"),
        ("MODEL <str>", "MODEL"),
        ("--set KEY=VALUE", "--set KEY=VALUE"),
    ],
)
def test_kinds_of_values_are_named_as_in_a_manual(given, shown):
    assert generate._tidied(given) == shown


def test_an_argument_is_no_folder_to_write_to(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for word in ("--help", "elsewhere"):
        with pytest.raises(SystemExit):
            generate.main([word])
    assert not list(tmp_path.iterdir()) and "docs/reference" in capsys.readouterr().out
