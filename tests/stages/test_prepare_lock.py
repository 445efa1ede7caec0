"""Two processes that prepare one data set: the second says that it waits."""

from __future__ import annotations

import threading

from filelock import FileLock

from geoml_cli.stages.prepare import _locked
from geoml_cli.work.reporting import Silent


class Heard(Silent):
    """Keeps warnings, and lets the lock go when one comes."""

    def __init__(self, release: threading.Event) -> None:
        super().__init__()
        self.warnings: list[str] = []
        self._release = release

    def warn(self, text: str) -> None:
        self.warnings.append(text)
        self._release.set()


def test_a_second_process_says_that_it_waits(tmp_path):
    path, taken, release = tmp_path / ".soc.lock", threading.Event(), threading.Event()

    def other() -> None:
        with FileLock(path, is_singleton=False):
            taken.set()
            release.wait(timeout=60)

    thread = threading.Thread(target=other)
    thread.start()
    assert taken.wait(timeout=60)
    reporter = Heard(release)
    with _locked(path, reporter):
        assert len(reporter.warnings) == 1 and "another process is preparing" in reporter.warnings[0]
    thread.join()


def test_a_free_lock_is_taken_without_a_word(tmp_path):
    reporter = Heard(threading.Event())
    with _locked(tmp_path / ".soc.lock", reporter):
        assert reporter.warnings == []
