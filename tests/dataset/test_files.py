"""Digests of files that are read anyway."""

from __future__ import annotations

import gzip
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from quick import QUICK
from safetensors.torch import save_file

from geoml_cli import registry
from geoml_cli.dataset import files
from geoml_cli.dataset.files import atomic_write, digested, sha256
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


@pytest.fixture(params=[0o022, 0o027], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Set the umask of a shared machine, and of one shared with a group."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def test_a_file_has_the_mode_that_the_umask_gives_whoever_wrote_it(umask, tmp_path):
    """Tensors that safetensors writes are its owner's alone: a colleague could not use a run on a shared disk."""
    with atomic_write(tmp_path / "a.safetensors") as temporary:
        save_file({"a": torch.zeros(2)}, temporary)
    with atomic_write(tmp_path / "a.txt") as temporary:
        temporary.write_text("a")
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    assert found == dict.fromkeys(("a.safetensors", "a.txt"), 0o666 & ~umask)


def test_so_has_every_file_of_a_run(umask, geoml, data_root, tmp_path):
    run = tmp_path / "run"
    assert geoml("train", "soc", "--preset", "map", "--data", data_root, "--run", run, *QUICK, "--quiet").code == 0
    assert geoml("export", run, "--data", data_root / "soc", "--format", "safetensors", "--quiet").code == 0
    assert geoml("bundle", run, "--out", tmp_path / "bundle", "--quiet").code == 0
    found = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert len(found) > 30
    assert {path: mode for path, mode in found.items() if mode != (0o777 if path.is_dir() else 0o666) & ~umask} == {}
