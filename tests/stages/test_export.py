"""The card of an export."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np

from geoml_cli.runs import checkpoint
from geoml_cli.runs.run import Run


def test_the_card_names_files_of_an_earlier_export(geoml, trained, data_root, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    for form, earlier in (("safetensors", ""), ("pt2", "soc.safetensors"), ("safetensors", "soc.pt2")):
        done = geoml("export", run, "--data", data_root / "soc", "--format", form, "--quiet")
        assert done.code == 0, done.err
        card = (run / "export/soc.md").read_text(encoding="utf-8")
        rows = [line for line in card.splitlines() if line.startswith("| soc.")]
        assert [row.split()[1] for row in rows] == [f"soc.{form}"]
        told = f"Written and compared by an earlier export: {earlier}."
        assert (told in card) == bool(earlier)


def test_a_network_that_gives_no_number_is_not_exported(geoml, trained, data_root, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    for name in Run(run).members():
        best = Run(run).member(name).checkpoint("best")
        found = checkpoint.read(best)
        checkpoint.write(replace(found, weights={key: value * np.nan for key, value in found.weights.items()}), best)
    done = geoml("export", run, "--data", data_root / "soc", "--format", "safetensors", "--quiet")
    assert done.code == 4 and "gives no number for any of" in " ".join(done.err.split()), done.err
    assert not list((run / "export").glob("soc.*"))
