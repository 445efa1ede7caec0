"""Geo-Mamba: selective state spaces over geo-factors, decoded by KAN layers."""

from geoml_cli.models.card import Card, Demo

_SMALL = ("--set", "network.embedding=16", "--set", "network.width=16", "--set", "network.layers=1")

CARD = Card(
    title="Geo-Mamba: groundwater storage, carbon fluxes and land cover from geo-factors",
    paper="Geo-Mamba 2025, International Journal of Applied Earth Observation and Geoinformation",
    doi="10.1016/j.jag.2025.104854",
    default_preset="gwsa",
    licence="GRACE, GLDAS, FLUXNET and CLCD have terms of their own; this code is MIT.",
    demo=Demo(
        source="gwsa",
        steps=(
            (
                *("train", "geomamba", "--preset", "gwsa-blocks", "--set", "split.block_km=60", *_SMALL),
                *("--set", "train.steps=150", "--set", "train.evaluate_steps=50", "--set", "train.batch_size=64"),
            ),
            ("evaluate", "geomamba", "--preset", "gwsa-blocks", "--set", "evaluate.n_bootstrap=200"),
            ("predict", "geomamba", "--preset", "gwsa-blocks", "--index", "60"),
            ("predict", "geomamba", "--preset", "gwsa-blocks", "--map"),
            ("export", "geomamba", "--preset", "gwsa-blocks", "--format", "pt2"),
        ),
    ),
)
