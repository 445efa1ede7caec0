"""DeepECH: electron cyclotron harmonic waves in two stages."""

from geoml_cli.models.card import Card, Demo
from geoml_cli.models.ech.settings import TimeMapOptions

CARD = Card(
    title="DeepECH: is there an electron cyclotron harmonic wave, and how strong",
    paper="DeepECH, manuscript",
    doi="",
    default_preset="two-stage",
    licence="SuperMAG and Kyoto indices may not be republished; this code is MIT.",
    demo=Demo(
        source="ech",
        steps=(
            (
                *("train", "ech", "--set", "train.epochs=4", "--set", "train.lr=5e-4", "--set", "train.batch_size=64"),
                *("--set", "inputs.scaling=standard", "--set", "target.scaling=standard"),
                *("--set", "split.group_length=5"),
            ),
            ("evaluate", "ech", "--set", "evaluate.n_bootstrap=100"),
            ("predict", "ech", "--index", "60"),
            ("predict", "ech", "--map", "2013-03-20T00:00", "--mlat", "0"),
            ("predict", "ech", "--map", "2013-03-20/2013-03-20T12:00/6h"),
            ("export", "ech"),
        ),
    ),
    networks=("classifier", "regressor"),
    inputs=(TimeMapOptions,),
)
