"""Two processes that want one thing: the second is told who holds it."""

from __future__ import annotations

import os
import threading

import pytest
from filelock import FileLock

from geoml_cli.work.locking import locked


def never(holder):
    raise AssertionError(holder)


def test_a_lock_that_no_file_can_be_made_for_is_no_other_process(tmp_path):
    """It was waited for without end."""
    with pytest.raises(FileNotFoundError), locked(tmp_path / "gone" / ".soc.lock", never, patience=5):
        pass


def hold(path, taken, release, note=True):
    with locked(path, never) if note else FileLock(path, is_singleton=False):
        taken.set()
        release.wait(timeout=60)


@pytest.mark.parametrize(
    ("note", "holder"), [(True, f"process {os.getpid()} on "), (False, "another process")], ids=["named", "unnamed"]
)
def test_who_waits_is_told_who_holds_the_lock(tmp_path, note, holder):
    path, taken, release, heard = tmp_path / ".soc.lock", threading.Event(), threading.Event(), []
    thread = threading.Thread(target=hold, args=(path, taken, release, note))
    thread.start()
    assert taken.wait(timeout=60)

    def wait(text):
        heard.append(text)
        release.set()

    with locked(path, wait):
        assert len(heard) == 1 and heard[0].startswith(holder)
    thread.join()


def test_a_free_lock_is_taken_without_a_word(tmp_path):
    for _ in range(2):
        with locked(tmp_path / ".soc.lock", never):
            assert (tmp_path / ".soc.lock.holder").exists()
    assert not (tmp_path / ".soc.lock.holder").exists()
