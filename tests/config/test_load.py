from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geoml_cli import registry
from geoml_cli.config.lines import KeyLines
from geoml_cli.config.load import load, read_settings, written
from geoml_cli.config.overrides import from_arguments, from_environment, from_file, merged, tree
from geoml_cli.errors import SettingsError
from geoml_cli.training.fitting import without_effect


def test_a_later_layer_wins(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("[train]\nlr = 0.5\nbatch_size = 7\nepochs = 9\n")
    environment = {"GEOML__TRAIN__LR": "0.25", "GEOML__TRAIN__BATCH_SIZE": "8"}
    loaded = load("soc", "paper", file, environment, ["train.lr=0.125"])
    assert (loaded.shared.train.lr, loaded.shared.train.batch_size, loaded.shared.train.epochs) == (0.125, 8, 9)
    assert loaded.origins["train.lr"] == "--set train.lr"
    assert loaded.origins["train.batch_size"] == "GEOML__TRAIN__BATCH_SIZE"
    assert loaded.origins["train.epochs"] == f"{file}:4"
    assert loaded.origins["split.kind"].startswith("presets/soc/paper.toml:")
    assert "train.clip_norm" not in loaded.origins


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train]\nepochs = " + "9" * 5000 + "\n", "holds a number that is too long"),
        (".".join(["a"] * 5000) + " = 1\n", "nests too many tables"),
    ],
)
def test_files_that_no_settings_look_like_are_refused(tmp_path, text, message):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        load("soc", "map", tmp_path / "a.toml", {})


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("train.lr=inf", "must be a finite number"),
        ("train.betas=[2,3]", "betas are at least 0 and below 1"),
        ("train.epochs=" + "9" * 5000, "epochs"),
    ],
)
def test_numbers_that_no_training_can_have_are_refused(assignment, message):
    with pytest.raises(SettingsError, match=message):
        load("soc", "map", None, {}, [assignment])


def test_a_setting_that_another_overrules_is_refused_with_the_one_that_counts(tmp_path):
    with pytest.raises(SettingsError, match=r"epochs = 1 would count for nothing, as steps = 30000 \(presets/geomamba"):
        load("geomamba", "gwsa-blocks", None, {}, ["train.epochs=1"])
    with pytest.raises(SettingsError, match=r"--set train.evaluate_epochs: .* Use --set train.evaluate_steps=NUMBER"):
        load("geomamba", "gwsa-blocks", None, {}, ["train.evaluate_epochs=2"])
    file = tmp_path / "mine.toml"
    file.write_text("[train]\nepochs = 9\n")
    with pytest.raises(SettingsError, match=r"mine\.toml:2: epochs = 9 would count for nothing"):
        load("geomamba", "gwsa-blocks", file, {})
    assert load("geomamba", "gwsa-blocks", file, {}, ["train.steps=5"]).shared.train.steps == 5
    assert load("soc", "map", file, {}).shared.train.epochs == 9


def test_all_mistakes_are_reported_at_once_with_file_and_line(tmp_path):
    file = tmp_path / "wrong.toml"
    file.write_text(
        'model = "soc"\nsource = "soc"\n\n[train]\nepochs = 0\nbatch_sze = 4\n\n[netwrk]\nvariant = "cnn"\n'
    )
    with pytest.raises(SettingsError) as caught:
        load("soc", str(file), None, {}, ["train.lr=fast"])
    assert str(caught.value).splitlines() == [
        "--set train.lr: [train] lr = 'fast': must be a number.",
        f"{file}:5: [train] epochs = 0: must be 1 or more.",
        f"{file}:6: [train] batch_sze is not a setting. Did you mean batch_size?",
        f"{file}:9: netwrk is not a setting. Did you mean network?",
    ]
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[train\nlr=1", r"wrong\.toml: is not TOML: .*line 1"),
        ("train = 3", r"wrong\.toml:1: \[train\] must be a table|train = 3: must be a table"),
        ("\xff\xfe", r"wrong\.toml: is not text in UTF-8"),
    ],
)
def test_a_damaged_file_is_named(tmp_path, text, message):
    file = tmp_path / "wrong.toml"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(SettingsError, match=message):
        load("soc", "paper", file, {})


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(SettingsError, match=r"nowhere\.toml: there is no such file"):
        load("soc", "paper", tmp_path / "nowhere.toml", {})
    with pytest.raises(SettingsError, match="cannot be read"):
        load("soc", "paper", tmp_path, {})


def test_names_near_a_model_or_preset_are_offered():
    with pytest.raises(SettingsError, match=r"'sox' is not a model\. Did you mean soc\?"):
        load("sox", None, None, {})
    with pytest.raises(
        SettingsError, match=r"'papr' is not a preset of soc\. Did you mean paper\? Choices: map, paper"
    ):
        load("soc", "papr", None, {})


@pytest.mark.parametrize("text", ["train.lr", "=3", "train..lr=3"])
def test_an_assignment_that_is_none(text):
    with pytest.raises(SettingsError, match="is not key=value"):
        from_arguments([text])


def test_values_are_toml_and_plain_text_needs_no_quotes():
    loaded = from_arguments(["a=1e-3", "b=[1, 2]", "c=cnn-lstm", "d=true", 'e="3"', "f=2=3"])
    assert [setting.value for setting in loaded.values()] == [1e-3, [1, 2], "cnn-lstm", True, "3", "2=3"]
    assert from_environment({"GEOML__SPLIT__SEEDS": "[4]", "HOME": "x"})[("split", "seeds")].value == [4]


def test_a_value_cannot_also_be_a_table():
    with pytest.raises(SettingsError, match="train is a value"):
        tree(merged([from_arguments(["train=3"]), from_arguments(["train.lr=1"])]))


def test_settings_survive_being_written_and_read(tmp_path):
    for model in registry.models():
        for preset in registry.presets(model):
            before = load(model, preset, None, {})
            path = tmp_path / f"{model}-{preset}.toml"
            path.write_text(written(before))
            after = read_settings(path)
            assert after.flat() == before.flat()
            assert after.preset == preset


@pytest.mark.parametrize(
    ("line", "key"), [(1, ("a",)), (4, ("t", "b")), (5, ("t", "c", "d")), (7, ("u", "v", "w")), (6, ("u", "v"))]
)
def test_lines_of_keys(line, key):
    text = 'a = 1\n\n[t] # table\n"b" = 2\nc.d = 3\n[ u.v ]\nw = 4\n'
    assert KeyLines(text).line(key) == line


@given(st.binary(max_size=300))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_toml_gives_a_settings_error_or_a_layer(tmp_path, content):
    file = tmp_path / "fuzz.toml"
    file.write_bytes(content)
    try:
        from_file(file, "fuzz.toml")
    except SettingsError as error:
        assert str(error).startswith("fuzz.toml: ")


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_preset_never_gives_another_error(tmp_path, data):
    text = registry.preset_file("soc", "paper").read_bytes()
    place = data.draw(st.integers(0, len(text) - 1))
    file = tmp_path / "damaged.toml"
    file.write_bytes(text[:place] + data.draw(st.binary(max_size=4)) + text[place + data.draw(st.integers(0, 3)) :])
    try:
        load("soc", str(file), None, {})
    except SettingsError as error:
        assert "damaged.toml" in str(error) or "missing" in str(error)


def test_a_mistake_of_a_whole_table_names_the_setting_at_fault():
    with pytest.raises(SettingsError, match=r"^--set train\.betas: \[train\] betas are at least 0 and below 1"):
        load("soc", "map", None, {}, ["train.epochs=2", "train.betas=[2,3]"])


@pytest.mark.parametrize(
    ("model", "preset", "assignments", "told"),
    [
        ("clcd", "", ["split.kind=random"], ["[split] block_km = 50.0 has no effect: kind is 'random'"]),
        ("soc", "map", ["split.test=0.3"], ["[split] test = 0.3 has no effect: folds = 5 test every row in turn"]),
        ("soc", "map", ["split.test=0.3", "split.folds=1"], []),
        ("mmnet", "onsite", ["split.test=0.3"], ["[split] test = 0.3 has no effect: kind = 'years' tests what it"]),
        ("soc", "paper", ["split.group_length=10"], ["[split] group_length = 10 has no effect: there is no group_by"]),
        ("ech", "storm", ["split.kind=leave-one-out", "split.group_length=2"], ["groups of kind = 'leave-one-out'"]),
        ("ech", "two-stage", ["split.block_km=5"], ["[split] block_km = 5.0 has no effect: kind is 'groups'"]),
        ("gwsa-blocks", "", ["split.block_km=5"], []),
        ("mmnet", "onsite", ["train.lr_min=1e-5"], ["[train] lr_min = 1e-05 has no effect: schedule is 'constant'"]),
        ("mmnet", "onsite", ["train.ema_every=5"], ["[train] ema_every = 5 has no effect: there is no ema_decay"]),
        ("mmnet", "onsite", ["train.ema_every=5", "train.ema_decay=0.9"], []),
        ("soc", "paper", ["train.evaluate_epochs=3", "train.evaluate_steps=5"], ["evaluate_steps = 5 counts in its"]),
        ("mmnet", "onsite", ["train.optimiser=sgd", "train.eps=1e-6"], ["[train] eps = 1e-06 has no effect"]),
        (
            "tidenet",
            "small",
            ["frames.land=zero", "frames.land_value=0.7"],
            ["[frames] land_value = 0.7 has no effect"],
        ),
        ("tidenet", "small", ["loss.spectrum=0", "loss.spectrum_steps=9"], ["[loss] spectrum_steps = 9 has no effect"]),
        ("gwsa", "", ["target.smearing=false"], ["[target] smearing = False has no effect: transform is 'none'."]),
        ("gwsa", "", ["network.heads=4"], ["[network] heads = 4 has no effect: steps = 1, and attention to one step"]),
        ("fluxnet-halfhourly", "", ["network.heads=4"], []),
        ("soc", "map", ["network.hidden=32"], ["[network] hidden = 32 has no effect: variant is 'cnn'."]),
        ("soc", "paper", ["network.hidden=32"], []),
        ("mmnet", "onsite", ["network.variant=mlp", "network.days=5"], ["[network] days = 5 has no effect"]),
        ("gwsa", "", ["loss.kind=mse", "loss.delta=2"], ["[loss] delta = 2.0 has no effect: kind is 'mse'."]),
        ("ech", "two-stage", ["network.part=regressor", "wave.probability=0.3"], ["[wave] probability = 0.3 has no"]),
        (
            "tidenet",
            "paper",
            ["network.variant=simvp", "loss.phase=0.1"],
            ["[loss] phase = 0.1 has no effect: variant"],
        ),
    ],
)
def test_settings_that_count_for_nothing_are_named(model, preset, assignments, told):
    model, preset = (model, preset) if preset else ("geomamba", model)
    found = without_effect(load(model, preset, None, {}, assignments))
    assert len(found) == len(told), found
    assert all(text in line for text, line in zip(told, found, strict=True)), found


def test_the_place_of_a_mistake_is_that_of_the_setting_named_first(tmp_path):
    """Of those that exclude each other the preset's own is not at fault."""
    with pytest.raises(SettingsError, match=r"^--set split\.gap_hours: \[split\] gap_hours belongs to kind = 'gaps'"):
        load("geomamba", "gwsa-blocks", None, {}, ["split.gap_hours=[3]"])


def test_names_that_are_numbers_need_no_quotes():
    """Members of a split by years are called so, and a shell takes quotes away."""
    given = ["train.start_run=runs/a", "train.start_member=2010", "split.kind=regions", "split.regions=[3, 'b']"]
    found = load("geomamba", "gwsa", None, {}, [*given, "split.group_by=category"]).shared
    assert found.train.start_member == "2010" and found.split.regions == ("3", "b")
    with pytest.raises(SettingsError, match="must be text"):
        load("geomamba", "gwsa", None, {}, ["train.start_run=runs/a", "train.start_member=true"])
