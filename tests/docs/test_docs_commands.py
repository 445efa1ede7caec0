"""Every command line of the README and the pages parses: its options exist, and so do its preset and settings."""

import re
import shlex
from pathlib import Path

import generate
import pytest
import typer
from command_line import named_options, verbs

from geoml_cli import registry
from geoml_cli.cli.app import app
from geoml_cli.config.load import load
from geoml_cli.config.spaces import divided

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    path
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    if path.is_file() and not {"_build", "reference"} & set(path.parts)
]
BLOCK = re.compile(r"^```(?:console|sh|bash)\n(.*?)^```", re.DOTALL | re.MULTILINE)
ENDS = {";", "|", "||", "&", "&&", ">", ">>", "<"}


def commands_of(text):
    """Return the arguments of every geoml command in the shell blocks of a page."""
    found = []
    for block in BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            lexer = shlex.shlex(line.strip().removeprefix("$ "), posix=True, punctuation_chars=True)
            lexer.whitespace_split = True
            words = list(lexer)
            for place, word in enumerate(words):
                if word in ("geoml", "geoml_cli") and "pip" not in words[:place]:
                    rest = words[place + 1 :]
                    end = next((k for k, part in enumerate(rest) if part in ENDS), len(rest))
                    found.append(tuple(rest[:end]))
    return found


def parsed(arguments):
    """Parse as the command would, without running it; return the command's name and values."""
    command, name = typer.main.get_command(app), "geoml"
    context = command.make_context(name, [], resilient_parsing=True)
    rest = list(arguments)
    while isinstance(command, generate.Group):
        name = rest.pop(0)
        command = command.get_command(context, name)
        assert command is not None, f"there is no command {name}"
        if isinstance(command, generate.Group):
            context = command.make_context(name, [], parent=context, resilient_parsing=True)
    return name, command.make_context(name, rest, parent=context).params


LINES = sorted({(path.relative_to(ROOT).as_posix(), line) for path in PAGES for line in commands_of(path.read_text())})


@pytest.mark.parametrize(("page", "arguments"), LINES, ids=[f"{page}: {' '.join(words)}" for page, words in LINES])
def test_a_command_line_of_the_documentation_parses(page, arguments):
    _, values = parsed(arguments)
    model = values.get("model") or (values.get("target") if values.get("target") in registry.models() else None)
    preset = values.get("preset")
    plain = not any("$" in str(value) for value in (model, preset, values.get("member")))
    if model and plain and not str(preset or "").endswith(".toml"):
        # A sweep's spaces have a syntax of their own; the settings beside them are those of a training.
        spaces, single = divided(values.get("assignments") or ())
        assert not spaces or arguments[0] == "sweep"
        load(model, preset or None, None, {}, single)


INLINE = sorted({
    (path.relative_to(ROOT).as_posix(), " ".join(words.split()))
    for path in PAGES
    for words in re.findall(r"`geoml ([a-z][^`]*)`", BLOCK.sub("", path.read_text()))
})  # fmt: skip


def options_that_are_none(text):
    """Return the options of a command within a sentence that its verb does not have."""
    words = text.split()
    path = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in verbs()), None)
    assert path, f"there is no command {words[0]}"
    below = [options for other, options in verbs().items() if other[: len(path)] == path]  # of a model or source
    return named_options(text).difference(*below)


@pytest.mark.parametrize(("page", "text"), INLINE, ids=[f"{page}: {text}" for page, text in INLINE])
def test_a_command_within_a_sentence_has_its_options(page, text):
    if text.split()[0] != "VERB":
        assert not options_that_are_none(text)


def test_an_option_of_another_verb_would_be_noticed():
    assert options_that_are_none("preset show MODEL --preset P") == {"--preset"}
    with pytest.raises(AssertionError, match="there is no command"):
        options_that_are_none("show soc")


def test_the_quickstart_shows_every_verb():
    shown = {line[0] for page, line in LINES if page == "docs/quickstart.md" and line}
    assert {
        "prepare",
        "train",
        "evaluate",
        "predict",
        "export",
        "import",
        "doctor",
        "demo",
        "compare",
        "bundle",
        "sweep",
        "reproduce",
        "slurm",
    } <= shown


def test_a_renamed_option_would_be_noticed():
    with pytest.raises(Exception, match="No such option: --presets"):
        parsed(("train", "soc", "--presets", "map"))


def test_lines_are_found_behind_prompts_loops_and_variables():
    text = (
        "```sh\nGEOML_DATA=x geoml list --json > a.json\nfor p in a b; do geoml train soc -p $p || exit; done\n```\n"
        "```console\n$ geoml predict \\\n    soc\n```\n```text\ngeoml nothing\n```\npip install geoml\n"
    )
    assert commands_of(text) == [("list", "--json"), ("train", "soc", "-p", "$p"), ("predict", "soc")]
