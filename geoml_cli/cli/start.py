"""The entry of the command `geoml`: signals while it starts, too, end in one line and exit code 130."""

from __future__ import annotations

import os
import signal
import sys

from geoml_cli.work.processors import wait_briefly


def main() -> None:
    """Import the command and run it."""
    # Windows has no SIGUSR1.
    stops = [getattr(signal, name) for name in ("SIGTERM", "SIGUSR1") if hasattr(signal, name)]
    for number in stops:
        signal.signal(number, signal.default_int_handler)
    # pydantic would look for plugins in every package that is installed, for some 30 ms.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    wait_briefly()
    try:
        from geoml_cli.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("geoml: stopped before anything was done.\n")
        raise SystemExit(130) from None
    finally:
        # Python gives signals their own effect back as it ends; what the command came to would be lost.
        for number in stops:
            signal.signal(number, signal.SIG_IGN)
