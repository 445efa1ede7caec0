"""A data set without the target is warned of, not only noted: with --quiet nothing else would say so."""

from __future__ import annotations

from geoml_cli.sources.ech.source import SOURCE


def test_no_amplitude_is_warned_of_with_what_was_passed_over(geoml, tmp_path):
    SOURCE.synthetic(tmp_path / "raw", 5)
    (tmp_path / "raw" / "rbspa_waves.csv").write_text("<!DOCTYPE html><html>Log in</html>")
    done = geoml("prepare", "ech", tmp_path / "raw", "--data", tmp_path / "data", "-q")
    assert done.code == 0
    assert "Warning: No file holds a wave amplitude" in done.err and "rbspa_waves.csv (a web page" in done.err
