"""The machine's memory, limits of containers, and memory that goes back."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np
import pytest

from geoml_cli.work import memory

needs_sysconf = pytest.mark.skipif(not hasattr(os, "sysconf"), reason="the system does not tell")


@needs_sysconf
def test_the_limit_of_a_container_counts(tmp_path, monkeypatch):
    limit, none, gone = tmp_path / "limit", tmp_path / "none", tmp_path / "gone"
    limit.write_text(f"{2**20}\n")
    none.write_text("max\n")
    monkeypatch.setattr(memory, "_CGROUPS", (limit, none, gone))
    assert memory.total_memory() == 2**20


@needs_sysconf
def test_without_a_limit_it_is_the_machine(tmp_path, monkeypatch):
    none = tmp_path / "none"
    none.write_text("max\n")
    monkeypatch.setattr(memory, "_CGROUPS", (none,))
    assert memory.total_memory() == os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def test_a_system_that_does_not_tell_has_none(monkeypatch):
    monkeypatch.setattr(memory.os, "sysconf_names", {}, raising=False)
    assert memory.total_memory() is None


def anonymous():
    status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("RssAnon")) * 1024


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library gives memory back by itself")
def test_freed_memory_goes_back():
    size, count = 2**16, 1024  # too small for a map of their own
    arrays = [np.ones(size, dtype=np.uint8) for _ in range(count)]
    last = np.ones(size, dtype=np.uint8)  # above them: the heap cannot shrink from its end
    before = anonymous()
    arrays.clear()
    memory.return_freed()
    assert before - anonymous() > size * count // 2
    assert last.sum() == size


def test_where_the_library_has_no_such_function_nothing_is_done(monkeypatch):
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda _: object())
    memory._trim.cache_clear()
    memory.return_freed()
    assert memory._trim() is None
    memory._trim.cache_clear()
