"""Options of commands whose work several processes or machines share: `--part`, `--finish`, `--scheduler`."""

from __future__ import annotations

from typing import Annotated

import typer

from geoml_cli.errors import SettingsError
from geoml_cli.work.pieces import part_of

Scheduler = Annotated[
    str | None,
    typer.Option(
        "--scheduler",
        help="Work on workers of Dask: local, local:N, tcp://HOST:PORT or FILE.json.",
        show_default=False,
    ),
]


def refuse_together(part: str | None, finish: bool, scheduler: str | None) -> str | None:
    """Refuse what does not go together, and what names no part or scheduler; return the option that is given, if any.

    Raises:
        SettingsError: Two are given, or the value of one is none.
    """
    given = {"--part": part is not None, "--finish": finish, "--scheduler": scheduler is not None}
    named = [name for name, is_given in given.items() if is_given]
    if len(named) > 1:
        raise SettingsError(f"choose one of {', '.join(named[:-1])} and {named[-1]}.", fix="Leave the others out.")
    if part is not None:
        part_of(part)
    if scheduler is not None:
        from geoml_cli.work.cluster import check_scheduler

        check_scheduler(scheduler)
    return named[0] if named else None
