"""The entry of the command `geoml`: also Ctrl-C while it starts ends in one line and exit code 130."""

from __future__ import annotations

import os
import signal
import sys

from geoml_cli.work.processors import wait_briefly


def main() -> None:
    """Import the command and run it."""
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
        for name in ("SIGTERM", "SIGUSR1"):
            if hasattr(signal, name):  # Windows has no SIGUSR1
                signal.signal(getattr(signal, name), signal.SIG_IGN)
