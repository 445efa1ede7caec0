"""The source `clcd`: which functions find, read and make its files."""

from functools import partial

from geoml_cli.readers.places import read_points
from geoml_cli.source import Source
from geoml_cli.sources.clcd import samples, synthetic
from geoml_cli.sources.clcd.scene import open_scene

SOURCE = Source(
    files=samples.inputs,
    prepare=samples.write,
    synthetic=synthetic.write_synthetic,
    stack=open_scene,
    points=partial(read_points, dated=True),
)
