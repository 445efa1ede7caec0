"""The benchmark of fine-tuning runs at a small size; its figures are those of the docs at the full one."""

import re

from benchmarks import fine_tuning


def test_every_way_has_a_score_and_is_compared(capsys, monkeypatch):
    chosen = ("from scratch", "fine-tuned", "fine-tuned, frozen")
    monkeypatch.setattr(fine_tuning, "WAYS", {way: fine_tuning.WAYS[way] for way in chosen})
    fine_tuning.main(["--seeds", "1", "--samples", "20", "--steps", "2", "2"])
    out = capsys.readouterr().out
    for way in (*fine_tuning.WAYS, fine_tuning.FOREST):
        assert re.search(rf"^{way} +\d+\.\d\d \(0\.00\)$", out, re.MULTILINE), way
    assert "fine-tuned, frozen: better than from scratch in " in out and " of 1\n" in out
    assert re.search(r"^ratio: RMSE fine-tuned / from scratch, 20 samples: \d", out, re.MULTILINE)


def test_the_other_region_has_other_carbon(tmp_path):
    table = {}
    for name in (False, True):
        data = fine_tuning.region(tmp_path / str(name), 4, other=name)
        table[name] = data.array("soc")
    assert abs(table[True] - (0.6 * table[False] + 3)).max() < 0.02
