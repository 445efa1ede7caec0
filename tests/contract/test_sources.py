"""Contract of every source found: the same twice, complete in its manifest, and no traceback of damaged files."""

from __future__ import annotations

import os
import random
import re
import resource
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from command_line import named_options, options_of_prepare

from geoml_cli import registry
from geoml_cli.dataset.files import sha256
from geoml_cli.dataset.store import NAME, Dataset
from geoml_cli.errors import DataError, GeomlError
from geoml_cli.stages.prepare import Raw, prepare, raw_files
from geoml_cli.work.reporting import NullReporter

CUTS = int(os.environ.get("GEOML_TORTURE", "4"))
"""Truncations, and likewise flips, a source; `make torture` tries more."""
MOST_KIB = 4 << 20
LONGEST_S = 30


@contextmanager
def no_hang() -> Iterator[None]:
    """End a case that takes longer than half a minute, in `make torture`: a test run rests on no machine's speed."""

    def late(number: int, frame: object) -> None:
        raise TimeoutError(f"a damaged file takes longer than {LONGEST_S} s")

    if CUTS <= 20:
        yield
        return
    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(LONGEST_S)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def test_the_card_is_light_and_says_what_the_source_is(made):
    raw, _ = made
    card = registry.source_card(raw.source)
    assert len(card.summary) > 20 and isinstance(raw.options, card.options)


def test_the_same_again_changes_nothing(made):
    raw, dataset = made
    before = sha256(dataset.folder / NAME)
    again = prepare(raw, dataset.folder, NullReporter())
    assert not again.fresh and sha256(dataset.folder / NAME) == before


def test_made_anew_it_has_the_same_values(made, tmp_path):
    raw, dataset = made
    other = Dataset(prepare(raw, tmp_path / "again", NullReporter()).folder)
    assert other.manifest.digest() == dataset.manifest.digest()
    for name in dataset.manifest.variables:
        if dataset.is_text(name):
            assert dataset.labels(name) == other.labels(name)
        else:
            np.testing.assert_array_equal(dataset.array(name), other.array(name))


def test_every_raw_file_is_in_the_manifest_with_its_digest(made):
    raw, dataset = made
    read = {path.resolve() for path in registry.source(raw.source).files(raw.path, raw.options)}
    listed = {(raw.path / file.name).resolve(): file for file in dataset.manifest.files}
    assert set(listed) == read
    assert all(file.sha256 == sha256(path) and file.size == path.stat().st_size for path, file in listed.items())


def test_the_funnel_adds_up(made):
    funnel = made[1].manifest.funnel
    assert funnel.kept > 0 and funnel.read >= funnel.kept
    assert all(count > 0 for count in funnel.dropped.values())


@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_damaged_files_end_in_a_message_or_in_a_data_set(made, damage, tmp_path):
    """Never in a traceback: whatever is not read is refused with what, where and how to fix it."""
    raw, _ = made
    paths = [path for path in sorted(raw.path.rglob("*")) if path.is_file()]
    generator = random.Random(7)
    for number in range(CUTS):
        copy = tmp_path / f"{damage}-{number}"
        for path in paths:
            target = copy / path.relative_to(raw.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
        _damage(copy / generator.choice(paths).relative_to(raw.path), damage, generator)
        try:
            with no_hang():
                prepare(Raw(raw.source, copy, raw.options), tmp_path / f"data-{number}", NullReporter())
        except GeomlError as error:
            assert error.what and error.exit_code in (2, 3), error
            assert named_options(error.fix) <= options_of_prepare(raw.source), error
        shutil.rmtree(copy)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MOST_KIB


def copied(raw: Raw, folder: Path) -> Path:
    shutil.copytree(raw.path, folder)
    return folder


def test_what_systems_and_programs_lay_next_to_files_is_not_read(made, tmp_path):
    raw, dataset = made
    folder = Path(shutil.copytree(raw.path, tmp_path / "raw"))
    paths = [path for path in folder.rglob("*") if path.is_file()]
    for path in paths:
        for name in (f"._{path.name}", f"~${path.name}"):  # of macOS, and of an open workbook
            (path.parent / name).write_bytes(b"\0\5\x16\7" + bytes(200))
        kept = path.parent / ".ipynb_checkpoints" / path.name
        kept.parent.mkdir(exist_ok=True)
        shutil.copy(path, kept)
    again = prepare(Raw(raw.source, folder, raw.options), dataset.folder, NullReporter())
    assert not again.fresh


def test_a_pipe_among_raw_files_or_as_raw_is_refused_and_not_waited_for(made, tmp_path):
    raw, _ = made
    copy = copied(raw, tmp_path / "raw")
    for suffix in sorted({path.suffix for path in copy.rglob("*") if path.is_file()}):
        pipe = copy / f"FLX_XQ-Fif_FLUXNET2015_SUBSET_DD_2010-2012_1-4{suffix}"
        os.mkfifo(pipe)
        for place in (copy, pipe):
            with pytest.raises(DataError, match=r"is a pipe, not a file\. Take it away") as told:
                raw_files(Raw(raw.source, place, raw.options))
            assert told.value.where == str(pipe)
        pipe.unlink()
    assert raw_files(Raw(raw.source, copy, raw.options)), "the remedy of the message"


def test_a_link_back_to_the_folder_is_not_followed(made, tmp_path):
    raw, dataset = made
    copy = copied(raw, tmp_path / "raw")
    (copy / "loop").symlink_to(copy)
    done = prepare(Raw(raw.source, copy, raw.options), tmp_path / "data", NullReporter())
    assert done.manifest.digest() == dataset.manifest.digest()


def test_what_may_not_be_read_is_told_in_the_same_words_by_all(made, tmp_path, monkeypatch):
    raw, _ = made
    for path in [path for path in raw.path.rglob("*") if not path.name.startswith(".")]:
        with monkeypatch.context() as patch:
            patch.setattr(os, "access", lambda given, mode, path=path: Path(given) != path)
            with pytest.raises(DataError, match=r"may not be read: permission denied\. Change its permissions") as told:
                raw_files(raw)
        assert told.value.where == str(path)


def test_names_that_are_no_text_end_in_a_message_or_a_data_set(made, tmp_path):
    raw, _ = made
    for number, name in enumerate(raw_files(raw)[:3]):
        copy = copied(raw, tmp_path / f"raw{number}")
        path = copy / name.relative_to(raw.path)
        path.rename(path.with_name(os.fsdecode(path.stem.encode() + b"\xff" + path.suffix.encode())))
        try:
            done = prepare(Raw(raw.source, copy, raw.options), tmp_path / f"data{number}", NullReporter())
            (done.folder / "manifest.json").read_text(encoding="utf-8")
        except GeomlError as error:
            assert error.exit_code in (2, 3) and str(error).encode(), error


def test_a_folder_whose_name_is_no_text_is_read(made, tmp_path):
    raw, dataset = made
    copy = copied(raw, tmp_path / os.fsdecode(b"raw\xff"))
    try:
        done = prepare(Raw(raw.source, copy, raw.options), tmp_path / "data", NullReporter())
    except GeomlError as error:  # libraries that open files by name may need text
        assert error.exit_code == 3 and "raw\\xff" in str(error)
        return
    assert done.manifest.digest() == dataset.manifest.digest() and done.manifest.raw.endswith("raw\\xff")


def _damage(path: Path, damage: str, generator: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if damage == "cut":
        del content[generator.randrange(1, max(len(content), 2)) :]
    else:
        for _ in range(5):
            content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    path.write_bytes(bytes(content))


def test_a_name_with_control_characters_is_refused_on_one_line(made, tmp_path):
    raw, _ = made
    [name, *_] = raw_files(raw)
    copy = copied(raw, tmp_path / "raw")
    path = copy / name.relative_to(raw.path)
    path.rename(path.with_name(f"{path.stem}\n\x1b[31m\u202e\x9b{path.suffix}"))
    try:
        raw_files(Raw(raw.source, copy, raw.options))
    except GeomlError as error:
        assert error.exit_code in (2, 3) and not set("\n\x1b\u202e\x9b") & set(str(error)), error


@pytest.mark.parametrize(
    ("begin", "told"),
    [
        (b"<!DOCTYPE html><html><body>Log in</body></html>", r"is a web page.* Download the data themselves"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", r"is a pointer of Git LFS.*`git lfs pull`"),
    ],
)
def test_what_a_download_left_in_a_files_place_is_told(made, tmp_path, begin, told):
    raw, _ = made
    copy = copied(raw, tmp_path / "raw")
    names = [name.relative_to(raw.path) for name in raw_files(raw)]
    refused = 0
    for name in names:
        whole = (copy / name).read_bytes()
        (copy / name).write_bytes(begin)
        try:
            left = {path.relative_to(copy) for path in raw_files(Raw(raw.source, copy, raw.options))}
        except DataError as error:
            refused += bool(re.search(told, str(error)))
        else:
            assert name not in left, "a source that passes a page over names it"
        (copy / name).write_bytes(whole)
    assert refused or raw.source == "ech"
