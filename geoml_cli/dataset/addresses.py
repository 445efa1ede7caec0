"""Addresses (`s3://`, `gs://`, `https://`), the file systems that read them, and what their servers refuse.

Source: https://filesystem-spec.readthedocs.io.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from geoml_cli.errors import DataError, GeomlError, SettingsError

WEB = ("http", "https")
BUCKETS = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
"""Protocols whose folders are parts of names: none is made, and a bucket never."""
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+)://", re.IGNORECASE)
STREAMS = 8
"""Files of a server that are looked up, or fetched, at once."""
_PATIENCE = 60
"""Seconds after which a web server that sends nothing is given up."""
_ABSENT = (404, 410)
"""What a web server says of what it has not."""
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PUBLIC = "set FSSPEC_S3_ANON=true for a public bucket of S3, FSSPEC_GS_TOKEN=anon for one of Google"


class UnreachableError(DataError):
    """An address that cannot be read now; whether there is something at it is not known."""


class Remote(NamedTuple):
    """An address, and the file system of fsspec that reads it.

    Attributes:
        system: The file system.
        path: As the file system names what is at the address.
        protocol: In small letters.
        address: As messages and records show it: without a password, or what a web server is asked for in addition.
    """

    system: Any
    path: str
    protocol: str
    address: str

    @property
    def is_web(self) -> bool:
        """Return whether a web server is read."""
        return self.protocol in WEB

    @property
    def name(self) -> str:
        """Name the file or folder, as it is called on this machine.

        Raises:
            SettingsError: The address names none.
        """
        path = unquote(urlsplit(self.address).path) if self.is_web else self.path
        found = PurePosixPath(path).name or (urlsplit(self.address).netloc if self.is_web else "")
        if found in ("", ".", ".."):
            raise SettingsError("names no file or folder.", where=self.address, fix="Give the whole address.")
        return found


def protocol_of(text: str) -> str | None:
    """Return the protocol of a text that is an address, None of any other."""
    found = _ADDRESS.match(text)
    return found[1].lower() if found else None


def open_address(address: str) -> Remote:
    """Open the file system of an address.

    Raises:
        SettingsError: A package is missing, or the protocol is not known.
    """
    protocol = protocol_of(address) or ""
    shown = _without_secrets(address, protocol)
    try:
        import fsspec

        plain = protocol + address[len(protocol) :]
        system, path = fsspec.url_to_fs(plain, **(_web_options() if protocol in WEB else {}))
    except ImportError as error:
        raise SettingsError(
            f"addresses of {protocol} need a package that is not installed.",
            where=shown,
            fix="Those of s3, gs and https: `pip install 'geoml[cloud]'`. Others: see the documentation of fsspec.",
        ) from error
    except ValueError as error:
        raise SettingsError(
            f"is an address ({protocol}) that fsspec does not know.",
            where=shown,
            fix="Copy the files here and give their folder.",
        ) from error
    return Remote(system, path, protocol, shown)


def _without_secrets(address: str, protocol: str) -> str:
    """Leave out of an address who reads it, and of a web server's what may be a signature."""
    head, _, rest = address.partition("://")
    place, slash, path = rest.partition("/")
    shown = f"{head.lower()}://{place.rpartition('@')[2]}{slash}{path}"
    return shown.partition("?")[0].partition("#")[0] if protocol in WEB else shown


def _web_options() -> dict[str, Any]:
    """Return options of a web client: proxies and logins of the environment (.netrc), files of any length."""
    import aiohttp

    patient = aiohttp.ClientTimeout(total=None, sock_connect=_PATIENCE, sock_read=_PATIENCE)
    # Files are kept as they are stored: many servers call the packing of `.csv.gz` that of the transfer.
    as_stored = {"auto_decompress": False, "headers": {"Accept-Encoding": "identity"}}
    return {"client_kwargs": {"trust_env": True, "timeout": patient, **as_stored}}


@contextmanager
def refusals(remote: Remote) -> Iterator[None]:
    """Say what a server or its library refuses in words of this project."""
    try:
        yield
    except (GeomlError, KeyboardInterrupt):
        raise
    except Exception as error:  # each library has errors of its own
        if is_absent(remote, error):
            raise DataError(
                "there is no such file or folder.", where=remote.address, fix="Check the address."
            ) from error
        if isinstance(error, OSError) and error.errno in _FULL:  # of this machine's disk
            raise
        fix = "Check the address and the network, and repeat the command: what has come is not fetched again."
        if remote.protocol in BUCKETS:
            fix = f"Check the address, the network and your credentials; {_PUBLIC}."
        # fsspec says of a web server's refusal that there is nothing; the reason is in the cause.
        reason = reason_of(error.__cause__ if isinstance(error.__cause__, Exception) else error)
        raise UnreachableError(f"cannot be read ({reason}).", where=remote.address, fix=fix) from error


def is_absent(remote: Remote, error: BaseException) -> bool:
    """Return whether an error says that there is nothing; fsspec says so of a web server that refuses, too."""
    if not isinstance(error, FileNotFoundError):
        return False
    refused = remote.is_web and error.__cause__ is not None
    return not refused or getattr(error.__cause__, "status", None) in _ABSENT


def reason_of(error: Exception) -> str:
    """Return the reason of a library's error as a line, without addresses that may hold secrets."""
    text = re.sub(r"\S+://\S+", "...", " ".join(str(error).split()))
    return f"{type(error).__name__}: {text}"[:200] if text else type(error).__name__
