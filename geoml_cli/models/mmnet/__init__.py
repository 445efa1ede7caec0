"""MMNet: soil moisture from snapshots of satellites and terrain, and ten days of antecedent weather."""

from geoml_cli.models.card import Card, Demo

CARD = Card(
    title="MMNet: soil moisture at 100 m from SMAP, satellites, terrain and antecedent weather",
    paper="Xu et al. 2025, JGR: Machine Learning and Computation 2(3)",
    doi="",
    default_preset="onsite",
    licence="ISMN data may not be republished; inputs have the terms of Earth Engine; this code is MIT.",
    demo=Demo(
        source="smap",
        steps=(
            ("train", "mmnet", "--preset", "small"),
            ("evaluate", "mmnet", "--preset", "small", "--set", "evaluate.n_bootstrap=200"),
            ("predict", "mmnet", "--preset", "small", "--index", "60"),
            ("predict", "mmnet", "--preset", "small", "--stack", "{out}/raw/smap/valley/valley.nc"),
            ("export", "mmnet", "--preset", "small", "--format", "pt2"),
        ),
    ),
)
