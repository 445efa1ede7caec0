"""The settings that a run was made with."""

from __future__ import annotations

from pathlib import Path

from geoml_cli.runs.run import Run

_FIX = "Restore it. Other settings are for another run: `geoml train MODEL --config FILE --run FOLDER`."


def settings_file(run: Run) -> Path:
    """Return where a run's settings stand.

    Raises:
        DataError: They were changed since the run was made: its weights are those of other settings.
    """
    # Runs of earlier versions have no checksum of it.
    return run.whole(run.config, _FIX) if run.config.name in run.record().checksums else run.config
