"""The demo: commands in processes of their own."""

from __future__ import annotations

import subprocess

import pytest


@pytest.mark.parametrize("quiet", [True, False])
def test_a_quiet_demo_runs_quiet_commands_and_a_failing_one_ends_it(geoml, tmp_path, monkeypatch, quiet):
    seen = []

    class Failing:
        def __init__(self, command, **_):
            seen.append(command)

        def wait(self):
            return 3

        def kill(self):
            pass

    monkeypatch.setattr(subprocess, "Popen", Failing)
    done = geoml("demo", "soc", "--folder", tmp_path / "d", *(["--quiet"] if quiet else []))
    assert done.code == 3
    assert "`geoml prepare soc" in done.err and "ended with 3. See the message above; when that is mended" in done.err
    assert ("GEOML_RUNS=" in done.out + done.err) != quiet, "typed commands find the demo's runs"
    [command] = seen
    assert ("--quiet" in command) == quiet
