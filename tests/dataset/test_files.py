"""Digests of files that are read anyway."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import pytest

from geoml_cli import registry
from geoml_cli.dataset import files
from geoml_cli.dataset.files import digested, sha256
from geoml_cli.readers.tables import open_table
from geoml_cli.stages import prepare as prepare_stage
from geoml_cli.stages.prepare import Raw
from geoml_cli.work.reporting import NullReporter

TEXT = b"a,b\n" + b"1,2\n" * 700_000  # more than is read at once


def opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Digest a file, and return which files that opened."""
    found: list[Path] = []
    original = Path.open

    def noted(self: Path, *arguments: object, **named: object) -> object:
        found.append(self)
        return original(self, *arguments, **named)  # type: ignore[arg-type, call-overload]

    expected = hashlib.sha256(path.read_bytes()).hexdigest()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", noted)
        assert sha256(path) == expected
    return found


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_table_whose_header_was_read_is_not_read_for_its_digest(name, tmp_path, monkeypatch):
    path = tmp_path / name
    path.write_bytes(gzip.compress(TEXT) if name.endswith(".gz") else TEXT)
    open_table(path)
    assert opened(path, monkeypatch) == []
    path.write_bytes(path.read_bytes() + (b"" if name.endswith(".gz") else b"3,4\n") + b"\n")
    assert opened(path, monkeypatch) == [path], "changed since"


@pytest.mark.parametrize(
    "text", [b"a,b\n\xe9,1\n" + b"1,2\n" * 700_000, ("a,b\n" + "1,2\n" * 700_000).encode("utf-16")]
)
def test_one_that_was_not_read_to_its_end_is(text, tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(text)
    assert open_table(tmp_path / "a.csv").columns == ("a", "b")
    assert opened(tmp_path / "a.csv", monkeypatch) == [tmp_path / "a.csv"]


def test_a_file_that_changes_while_it_is_read_has_no_digest(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(TEXT)
    with digested(path) as stream:
        while stream.read(1 << 20):
            pass
        path.write_bytes(TEXT[:-4] + b"3,4\n\n")
    assert path not in {state[0] for state in files._DIGESTS}
    assert sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("source", ["gwsa", "fluxnet", "ech", "smap"])
def test_tables_of_sources_are_read_twice(source, tmp_path, monkeypatch):
    """For encoding and digest at once, and for their values; opened more often, but not read to their end."""
    options = registry.source(source).synthetic(tmp_path / "raw", 3)
    digested_files: list[Path] = []
    monkeypatch.setattr(prepare_stage, "sha256", lambda path: digested_files.append(path) or sha256(path))
    prepare_stage.prepare(Raw(source, tmp_path / "raw", options), tmp_path / "data", NullReporter())
    tables = [path for path in digested_files if path.suffix in (".csv", ".txt")]
    assert tables and all(files._state(path) in files._DIGESTS for path in tables)
