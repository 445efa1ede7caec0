"""Which run a command means: a folder, or a model's newest finished run."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from shlex import quote

from geoml_cli.errors import DataError
from geoml_cli.runs.run import Run, RunRecord


def runs(root: Path, model: str | None = None, preset: str | None = None) -> Iterator[tuple[Path, RunRecord]]:
    """Yield the runs under a folder, newest last; folders that are no run are passed over."""
    found = []
    for path in root.glob(f"{model or '*'}/{preset or '*'}/*/run.json"):
        try:
            found.append((path.parent, Run(path.parent).record()))
        except DataError:
            continue
    yield from sorted(found, key=lambda pair: (_made(pair[1]), pair[0].name))


def _made(record: RunRecord) -> datetime.datetime:
    """Return when a run was made; texts of times in two zones do not sort in time."""
    made = datetime.datetime.fromisoformat(record.created)
    return made if made.tzinfo else made.replace(tzinfo=datetime.UTC)


def newest(root: Path, model: str, preset: str | None) -> Run:
    """Return a model's newest run whose every member is finished, of one preset or of any.

    Raises:
        DataError: There is none; the message says which command makes one.
    """
    finished = [folder for folder, record in runs(root, model, preset) if record.status == "finished"]
    if finished:
        return Run(finished[-1])
    unfinished = [folder for folder, _ in runs(root, model, preset)]
    command = f"geoml train {model}" + (f" --preset {quote(preset)}" if preset else "")
    raise DataError(
        f"there is no finished run of {model}{f' with preset {preset}' if preset else ''}.",
        where=str(root),
        fix=f"Resume with `{command} --resume`." if unfinished else f"Make one with `{command}`.",
    )


def unfinished(root: Path, model: str, preset: str) -> Run:
    """Return the newest run that can be resumed.

    Raises:
        DataError: There is none.
    """
    found = [folder for folder, record in runs(root, model, preset) if record.status != "finished"]
    if not found:
        raise DataError(
            f"there is no unfinished run of {model} with preset {preset}.",
            where=str(root),
            fix=f"Start one with `geoml train {model} --preset {quote(preset)}`.",
        )
    return Run(found[-1])
