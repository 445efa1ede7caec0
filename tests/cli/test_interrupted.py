"""Ctrl-C at any time of the start ends with 130 and one line, never with a traceback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext

import pytest

from geoml_cli.cli import app

BEGUN = """
import signal, os, sys
class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == {name!r}:
            os.kill(os.getpid(), signal.{sent})
        return None
sys.meta_path.insert(0, Interrupts())
sys.argv = ["geoml", "prepare", "soc", {raw!r}]
from geoml_cli.cli.start import main
main()
"""


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        *(
            (name, "SIGINT")
            for name in ("typer", "geoml_cli.cli.prepare", "geoml_cli.stages.prepare", "numpy", "rasterio")
        ),
        *((name, sent) for name in ("typer", "geoml_cli.cli.app") for sent in ("SIGTERM", "SIGUSR1")),
    ],
)
def test_a_signal_while_something_is_imported(name, sent, raw_soc, tmp_path):
    script = BEGUN.format(name=name, sent=sent, raw=str(raw_soc))
    environment = {key: value for key, value in os.environ.items() if key != "GEOML_DEBUG"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=False
    )
    told = done.stderr.decode()
    assert done.returncode == 130 and told.startswith("geoml: stopped") and told.count("\n") == 1, told


@pytest.mark.parametrize(("words", "code"), [(["--version"], 0), (["list", "nothing"], 2)])
def test_a_signal_while_python_ends_changes_no_exit_code(words, code, tmp_path):
    script = (
        "import os, signal, sys\nfrom geoml_cli.cli.start import main\n"
        "class Last:\n    def __del__(self):\n        os.kill(os.getpid(), signal.SIGUSR1)\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        f"sys.last = Last()\nsys.argv = ['geoml', *{words!r}]\nmain()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == code, done.stderr


def test_a_second_signal_of_the_same_stop_does_not_interrupt_the_ending(monkeypatch):
    """`timeout` and schedulers signal the command, and then its group."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)}
    clock = [100.0]
    monkeypatch.setattr(app.time, "monotonic", lambda: clock[0])
    try:
        came = app._watch_signals()
        for seconds, is_another in ((0, True), (0.1, False), (1.5, False), (5, True)):
            clock[0] = 100.0 + seconds
            with pytest.raises(KeyboardInterrupt) if is_another else nullcontext():
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0)
        assert len(came) == 2
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def test_a_library_that_turns_the_interrupt_into_its_own_error(geoml, monkeypatch):
    def imported(words, **options):
        try:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)
        except KeyboardInterrupt:
            raise RuntimeError("initialization failed") from None

    monkeypatch.setattr(app, "app", imported)
    before = signal.getsignal(signal.SIGINT)
    try:
        done = geoml("list")
    finally:
        signal.signal(signal.SIGINT, before)
    assert done.code == 130 and "geoml: stopped" in done.err
