"""TIDE-Net: forecasts of gridded fields by amplitude and phase."""

from geoml_cli.models.card import Card, Demo
from geoml_cli.models.tidenet.settings import ForecastOptions

_SMALL = (
    *("--set", "network.hidden=32", "--set", "network.frames_in=3", "--set", "network.frames_out=3"),
    *("--set", "frames.crop=[]", "--set", "frames.square=false", "--set", "frames.size=[24,16]"),
    *("--set", "network.spectral_number=5", "--set", "train.batch_size=4", "--set", "train.threads=1"),
)

CARD = Card(
    title="TIDE-Net: forecasts of maps by amplitude and phase, first of sea-air CO2 flux",
    paper="TIDE-Net, manuscript (preprint), after AlphaPre (Lin et al., CVPR 2025)",
    doi="",
    default_preset="short",
    licence="Carbon-ECS and the paper's weights have not been released; this code is MIT.",
    demo=Demo(
        source="carbon-ecs",
        steps=(
            ("train", "tidenet", *_SMALL, "--set", "train.epochs=2", "--set", "train.warmup_steps=2"),
            ("evaluate", "tidenet"),
            ("predict", "tidenet"),
            ("export", "tidenet", "--format", "pt2"),
        ),
    ),
    inputs=(ForecastOptions,),
)
