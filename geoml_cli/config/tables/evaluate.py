"""The `[evaluate]` table."""

from __future__ import annotations

from pydantic import Field

from geoml_cli.samples.settings import Seed, Table


class EvaluateSettings(Table):
    """`[evaluate]`: what a run is measured against, and how surely."""

    baselines: tuple[str, ...] = ("mean", "ridge", "random-forest", "gradient-boosting")
    """Baselines trained on the same rows; an empty list trains none."""

    runs: tuple[str, ...] = ()
    """Folders of other runs on the same data set, compared like baselines; of forecasts of maps only."""

    n_bootstrap: int = Field(default=1000, ge=100)
    """Bootstrap draws behind each 95 % interval."""

    importance_repeats: int = Field(default=3, ge=0)
    """Times each covariate is shuffled for its permutation importance; 0 leaves importance out."""

    importance_rows: int = Field(default=2000, ge=2)
    """Most rows of a member that permutation importance looks at, drawn at random where there are more."""

    stations: tuple[str, ...] = ()
    """Stations (or cells) whose series are drawn, where the data have stations and times. Default: six at most, evenly
    from the lowest RMSE to the highest."""

    keep: bool = True
    """Keep predictions of members and baselines in the run (`kept/`) for the next evaluation."""

    seed: Seed = 1
    """Seed of bootstrap, baselines and permutations."""
