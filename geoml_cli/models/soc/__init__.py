"""CNN-LSTM for soil organic carbon mapping."""

from geoml_cli.models.card import Card, Demo

_CHOICE = ("--set", "network.variant=cnn-lstm", "--set", "split.seeds=[1]")

CARD = Card(
    title="CNN-LSTM soil organic carbon maps from static covariates and yearly series",
    paper="Zhang et al. 2022, Remote Sensing 14, 4441",
    doi="10.3390/rs14184441",
    default_preset="paper",
    licence="The paper's released inputs and weights are CC BY-NC; this code is MIT.",
    demo=Demo(
        source="soc",
        steps=(
            # Blocks smaller than the preset's: the synthetic country is small.
            ("train", "soc", "--preset", "map", "--set", "split.block_km=8", *_CHOICE),
            ("evaluate", "soc", "--preset", "map"),
            ("predict", "soc", "--preset", "map", "--index", "60"),
            ("predict", "soc", "--preset", "map", "--map"),
            ("export", "soc", "--preset", "map"),
        ),
    ),
)
