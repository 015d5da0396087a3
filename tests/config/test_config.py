"""The config: one truth, filled in, and a sentence for each mistake."""

import ast
from itertools import pairwise

import pytest
import yaml
from conftest import ROOT, nested

from sfumato import guidance, samplers
from sfumato.config.canonical import canonical
from sfumato.config.data import DataConfig
from sfumato.config.experiment import Experiment
from sfumato.config.file import check_file, laid, with_typed_arguments
from sfumato.config.forward import ForwardConfig
from sfumato.config.nested import leaves
from sfumato.config.paths import user_path
from sfumato.config.render import RenderConfig
from sfumato.config.resolve import check_names, resolve
from sfumato.errors import InputError

SHIPPED = yaml.safe_load((ROOT / "config.yaml").read_text())
DUMP = Experiment().model_dump()
SECTIONS = [key for key, value in DUMP.items() if isinstance(value, dict)]


def mistake(experiment=None, **file):
    """Return what is said of an experiment's settings, or of a whole file."""
    raw = {"targets": ["mine"], "experiments": {"mine": experiment or {}}, **file}
    with pytest.raises(InputError) as caught:
        resolve(raw)
    return str(caught.value)


def test_the_shipped_config_is_the_schema():
    """Every setting is in the file, and its value there is the schema's default."""
    _, experiments = resolve(SHIPPED)
    data, render = DataConfig().filled(), RenderConfig(title="diffusion_mnist")
    follows = {"data": data, "forward": ForwardConfig().filled(data.n_test), "render": render}
    assert experiments["diffusion_mnist"] == Experiment(**follows)
    assert (data.n_images, data.n_test, follows["forward"].index) == (5000, 500, 5)
    assert set(leaves(SHIPPED["defaults"])) == set(leaves(DUMP))


def test_figures_call_an_experiment_by_its_name_or_title():
    own = {"mine": {}, "other": {"render": {"title": "mine"}}}
    _, experiments = resolve({"targets": ["mine"], "experiments": own})
    assert [each.render.title for each in experiments.values()] == ["mine", "mine"]


def test_every_setting_in_the_shipped_config_has_a_comment():
    """A comment stands above it, or above the settings it is in one block with."""
    block_has_comment = False
    for line in (ROOT / "config.yaml").read_text().splitlines():
        text = line.strip()
        block_has_comment = bool(text) and (block_has_comment or text.startswith("#"))
        assert block_has_comment or not text, line


def fields_without_docstring(path):
    """Walk the annotated names of a file's classes below which no string stands."""
    for place in ast.walk(ast.parse(path.read_text())):
        if isinstance(place, ast.ClassDef):
            for line, below in pairwise([*place.body, ast.Pass()]):
                field = isinstance(line, ast.AnnAssign) and "ClassVar" not in ast.dump(line)
                if field and not (
                    isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant)
                ):
                    yield f"{path.name}: {place.name}.{ast.unparse(line.target)}"


def test_every_field_of_the_schema_has_a_docstring():
    package = ROOT / "src" / "sfumato"
    methods = [f"{room.__name__}.{name}" for room in (samplers, guidance) for name in room.names()]
    schema = [
        *(package / "config").glob("*.py"),
        *(package / "networks").glob("*_config.py"),
        *(package.parent / f"{method.replace('.', '/')}.py" for method in methods),
    ]
    schema.remove(package / "config" / "methods.py")  # its class is no section
    assert [field for path in schema for field in fields_without_docstring(path)] == []


def test_the_experiments_to_try_are_shipped():
    _, experiments = resolve(SHIPPED)
    assert experiments["cosine"].diffusion.beta_schedule == "cosine"
    assert experiments["cifar"].model.input_dim == (32, 32, 3)
    assert [experiments[f"ddim_{n}"].samples["ddim"].steps for n in (20, 100)] == [20, 100]
    assert experiments["artifex_size"].model.widths == (64, 128, 256)
    assert SHIPPED["targets"] == ["diffusion_mnist", "digits"]


def test_experiments_override_parts_of_the_defaults():
    raw = {
        "targets": ["b"],
        "defaults": {"seed": 3, "samples": {"ddim": {"steps": 10}}},
        "experiments": {"a": None, "b": {"samples": {"ddim": {"eta": 1}}}},
    }
    targets, experiments = resolve(raw)
    assert targets == ["b"]
    a, b = (experiments[name].samples["ddim"] for name in ("a", "b"))
    assert a.steps == b.steps == 10
    assert (a.sampler.eta, b.sampler.eta) == (0.0, 1.0)
    assert experiments["b"].seed == 3


@pytest.mark.parametrize(
    ("text", "number"), [("1e-4", 1e-4), ("1E-4", 1e-4), ("1.0e-4", 1e-4), (".1e-3", 1e-4)]
)
def test_yaml_1_1_numbers(text, number):
    raw = yaml.safe_load(
        f"{{targets: [a], experiments: {{a: {{diffusion: {{beta_start: {text}}}}}}}}}"
    )
    assert resolve(raw)[1]["a"].diffusion.beta_start == number
    whole = resolve({"targets": ["a"], "experiments": {"a": {"diffusion": {"noise_steps": "2e3"}}}})
    assert whole[1]["a"].diffusion.noise_steps == 2000


OF_AN_ENTRY = {"steps": 8, "seed": 8, "labels": [8]} | {
    "guidance": {"method": "none"},
    "edit": {"kind": "none"},
}
OPTIONAL = {
    "figures": ["a.png"],
    "data.folder": "a",
    "data.url": "a",
    "data.digest": "a",
    "data.n_images": 800,
    "data.n_test": 8,
    "convergence.reference": 8,
    "likelihood.other": "a",
    "forward.index": 8,
    "render.title": "a",
    "weights.digest": "a",
    "sampling.micro_batch": 8,
    **{f"samples.{e}.{key}": value for e in ("ddpm", "ddim") for key, value in OF_AN_ENTRY.items()},
}
"""Settings that may be null, with a value of the other kind that they take."""
FREE_TEXT = {"data.folder", "data.url", "data.digest", "weights.folder", "weights.digest"}


def at(path, values):
    """Return the value at `section.key`."""
    for part in path.split("."):
        values = values[part]
    return values


def wrong_values():
    """Walk the schema: values of the wrong kind for every setting there is."""
    for path in leaves(DUMP):
        value = OPTIONAL.get(path, at(path, DUMP))
        wrong = [{"a": 1}, ""] if path in OPTIONAL else [None, {"a": 1}, ""]
        if path in FREE_TEXT:
            wrong += [True, 1, ["x"]]
        elif isinstance(value, bool):
            wrong += [0, 1, "true", [True], 0.5]
        elif isinstance(value, int | float):
            wrong += [True, "8", "many", [8], float("nan"), float("inf"), -float("inf"), -1]
            wrong += ["1e400", 10**30]
            wrong += [0.5, 8.5] if isinstance(value, int) else []
        elif isinstance(value, str):
            wrong += [True, 1, "no such", ["x"]]
        else:
            wrong += [True, 1, "28", [None], ["many"], [-1], [1.5], [[1]], [float("nan")]]
        yield from ((path, bad) for bad in wrong)


@pytest.mark.parametrize(("path", "bad"), list(wrong_values()), ids=str)
def test_wrong_kinds_of_value(path, bad):
    """One sentence, with the full path, the value, and what is allowed."""
    said = mistake(nested(path, bad))
    assert said.startswith(f"experiments.mine.{path}")
    assert "\n" not in said
    assert "must" in said or "needs" in said or "unknown key" in said
    assert "Error" not in said and "pydantic" not in said


@pytest.mark.parametrize("section", [*SECTIONS, "samples.ddpm", "samples.ddim"])
def test_unknown_keys_of_every_section(section):
    if section in ("samples", "sweeps"):  # their keys are names, which anybody may choose
        said = mistake({section: {"zzzzzz": {}}})
        assert "samples.zzzzzz.sampler: is missing; it must be one of" in said or (
            "sweeps.zzzzzz.of: is missing" in said
        )
        return
    for key in at(section, DUMP):
        said = mistake(nested(section, {f"{key}x": 1}))
        begin = f"experiments.mine.{section}.{key}x: unknown key (its value: 1); did you mean "
        assert said.startswith(begin)
    assert f"did you mean {key!r}?" in said
    assert "known here: " in mistake(nested(section, {"zzzzzz": 1}))
    for value in (3, "text", [1]):
        assert f"experiments.mine.{section}: " in mistake(nested(section, value))


DDPM_OF_50 = {"ddpm": {"steps": 50}}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"samples": {"ddim": {"steps": 0}}}, "samples.ddim.steps: 0 must be at least 1"),
        (
            {"samples": {"ddpm": {"steps": 1001}}},
            "samples.ddpm.steps: 1001 must be at most diffusion.noise_steps (1000)",
        ),
        (
            {"diffusion": {"noise_steps": 40}},
            "samples.ddim.steps: 50 must be at most diffusion.noise_steps",
        ),
        ({"forward": {"timesteps": [0, 1000]}}, "forward.timesteps[1]: 1000 must be from 0 to 999"),
        ({"forward": {"timesteps": [-1]}}, "forward.timesteps[0]: -1 must be from 0 to 999"),
        ({"forward": {"timesteps": []}}, "forward.timesteps: [] needs at least 1 entries"),
        ({"forward": {"index": 500}}, "forward.index: 500 must be less than data.n_test (500)"),
        (
            {"diffusion": {"beta_start": 0.02}},
            "diffusion.beta_start: 0.02 must be less than beta_end (0.02)",
        ),
        (
            {"diffusion": {"beta_end": 1e-5}},
            "diffusion.beta_start: 0.0001 must be less than beta_end (1e-05)",
        ),
        ({"diffusion": {"noise_steps": 20000}}, "is too much noise for 20000 noise_steps"),
        ({"diffusion": {"beta_end": 0.99}}, "diffusion.beta_end: 0.99 is too much noise for 1000"),
        ({"diffusion": {"beta_end": 1}}, "diffusion.beta_end: 1 must be less than 1"),
        ({"diffusion": {"beta_end": 1.0}}, "diffusion.beta_end: 1.0 must be less than 1"),
        ({"seed": 2**32}, "seed: 4294967296 must be at most 4294967295"),
        ({"model": {"channels": 1}}, "model.channels: 1 must be at least 2"),
        ({"diffusion": {"beta_start": 0}}, "diffusion.beta_start: 0 must be at least 1e-30"),
        (
            {"diffusion": {"beta_schedule": "cosin"}},
            "must be one of 'linear', 'cosine', 'quadratic', 'scaled_linear' or 'sigmoid'; did you "
            "mean 'cosine'?",
        ),
        ({"data": {"source": "mnist-5"}}, "did you mean 'mnist-5k'?"),
        ({"data": {"n_images": 5001}}, "data.n_images: 5001 must be at most 5000"),
        ({"data": {"n_test": 5000}}, "data.n_test: 5000 must be less than n_images (5000)"),
        ({"data": {"source": "images"}}, "data.folder: null must name the folder of the pictures"),
        ({"model": {"input_dim": [28, 28]}}, "model.input_dim: [28, 28] needs at least 3 entries"),
        ({"model": {"input_dim": [28] * 4}}, "model.input_dim: [28, 28, 28, 28] takes at most 3"),
        ({"model": {"input_dim": [28, 0, 1]}}, "each from 1 to 4096"),
        (
            {"model": {"channels": 30}},
            "model.norm_groups: 8 must divide the 30 channels of level 0 evenly",
        ),
        (
            {"model": {"attention_heads": 5}},
            "model.attention_heads: 5 must divide the 64 channels of level 2 evenly",
        ),
        ({"model": {"attention_levels": [3]}}, "must be levels of channel_multipliers, 0 to 2"),
        ({"model": {"attention_levels": [1, 1]}}, "must name each level once"),
        ({"model": {"channel_multipliers": [0]}}, "must be whole numbers from 1 to 64"),
        ({"model": {"dropout": 1.0}}, "model.dropout: 1.0 must be less than 1"),
        (
            {"model": {"architecture": "unit"}},
            "must be one of 'dit' or 'unet'; did you mean 'unet'?",
        ),
        (
            {"trajectory": {"snapshots": 60}, "samples": DDPM_OF_50},
            "trajectory.snapshots: 60 must be at most samples.ddpm.steps (50)",
        ),
        (
            {"trajectory": {"snapshots": 60, "of": "ddim"}},
            "trajectory.snapshots: 60 must be at most samples.ddim.steps (50)",
        ),
        (
            {"trajectory": {"of": "ddmp"}},
            "trajectory.of: 'ddmp' must be one of 'ddpm' or 'ddim', the entries of samples",
        ),
        (
            {"samples": {"ddpm": None}, "figures": ["trajectory.png"]},
            "trajectory.of: 'ddpm' must be one of 'ddim', the entries of samples",
        ),
        (
            {"samples": {"ddim": {"eta": 1.5}}},
            "samples.ddim.eta: 1.5 must be at most 1 and at least 0",
        ),
        (
            {"samples": {"ddim": {"variance": "small"}}},
            "samples.ddim.variance: unknown key (its value: 'small')",
        ),
        (
            {"samples": {"ddim": {"sampler": "dim"}}},
            "'dpm_solver', 'heun' or 'unipc'; did you mean 'ddim'?",
        ),
        ({"samples": {"ddpm": {"spacing": "trail"}}}, "did you mean 'trailing'?"),
        (
            {"samples": {"mine": {"steps": 5}}},
            "samples.mine.sampler: is missing; it must be one of",
        ),
        ({"samples": {"a/b": {"sampler": "ddim"}}}, "samples.a/b: 'a/b' must be made of letters"),
        (
            {"samples": {"ddim": {"guidance": "strong"}}},
            "samples.ddim.guidance: 'strong' must be a mapping of knobs, such as scale: 3, or null",
        ),
        (
            {"samples": {"ddim": {"guidance": {"method": "none such"}}}},
            "samples.ddim.guidance.method: 'none such' must be",
        ),
        ({"figures": ["forward"]}, "figures[0]: 'forward' must be one of"),
        ({"figures": ["dim_samples.png"]}, "did you mean 'ddim_samples.png'?"),
        ({"figures": ["results/a/ddim_samples.png"]}, "file, and no path: ddim_samples.png"),
        ({"figures": ["training.png"]}, "figures: 'training.png' needs weights.source to be train"),
        (
            {"samples": {"ddim": None}, "figures": ["ddim_samples.png"]},
            "figures[0]: 'ddim_samples.png' must be one of",
        ),
        ({"figures": []}, "figures: [] needs at least 1 entries"),
        (
            {"smaples": {"ddim": {"steps": 5}}},
            "smaples: unknown key (its value: {'ddim': {'steps': 5}}); did you mean 'samples'?",
        ),
    ],
    ids=str,
)
def test_mistakes(settings, said):
    assert said in mistake(settings) and mistake(settings).startswith("experiments.mine.")


def test_several_mistakes_get_a_line_each():
    """In one section, in several, and in both parts of an entry: its own settings, its knobs."""
    entries = {"ddim": {"steps": 0, "eta": 2, "stpes": 1}, "mine": {"sampler": "dim"}}
    said = mistake({"samples": entries, "seed": True, "data": {"sourec": 1}}).splitlines()
    assert sorted(line.split(":")[0] for line in said) == [
        f"experiments.mine.{path}"
        for path in (
            *("data.sourec", "samples.ddim.eta", "samples.ddim.steps", "samples.ddim.stpes"),
            *("samples.mine.sampler", "seed"),
        )
    ]
    across = {"forward": {"timesteps": [0, 2000]}, "trajectory": {"of": "x"}, "figures": ["a.png"]}
    assert len(mistake(across).splitlines()) == 3


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ({"targets": []}, "targets: [] needs at least 1 entries"),
        ({"targets": ["mien"]}, "targets[0]: 'mien' is not one of the experiments; did you mean"),
        ({"targets": ["q"]}, "targets[0]: 'q' is not one of the experiments; known: mine"),
        ({"targets": "mine"}, "targets: 'mine' must be a list"),
        ({"targets": [3]}, "targets[0]: 3 must be text"),
        (
            {"target": ["mine"]},
            "target: unknown key (its value: ['mine']); did you mean 'targets'?",
        ),
        ({"experiments": {}}, "experiments: {} needs at least 1 entries"),
        (
            {"experiments": {3: {}}},
            "experiments: the key 3 is not text; in quotes, '3', it is",
        ),
        ({"experiments": {"mine": [1]}}, "experiments.mine: [1] must be a mapping"),
        ({"experiments": {"a/b": {}}}, "experiments.a/b: 'a/b' must be made of letters"),
        ({"seed": 1}, "seed: belongs under defaults or under an experiment, not at the top"),
        ({"defaults": None}, "defaults: null must be a mapping"),
        ({"defaults": {"seed": -1}}, "defaults.seed: -1 must be at least 0"),
        (
            {"defaults": {"samples": {"ddpm": {"steps": 5}}, "trajectory": {"snapshots": 6}}},
            "defaults.trajectory.snapshots: 6 must be at most samples.ddpm.steps (5)",
        ),
    ],
    ids=str,
)
def test_mistakes_at_the_top_level(file, said):
    assert said in mistake(**file)


def test_missing_parts():
    with pytest.raises(InputError, match="targets: is missing"):
        resolve({"experiments": {"a": {}}})
    with pytest.raises(InputError, match="must be a mapping"):
        resolve([])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "config.yaml: is empty; it must hold the keys targets, defaults and experiments"),
        ("# only a comment\n", "config.yaml: is empty"),
        ("- a\n- b\n", "config.yaml: is a list; it must hold"),
        ("text", "config.yaml: is a str; it must hold"),
        ("a: [1\n", "config.yaml: this is not YAML: "),
        ("a:\n\tb: 1\n", "this is not YAML: found character '\\t'"),
        ("a: 1\nb: 2\na: 3\n", "config.yaml: the key 'a' appears twice, the second time in line 3"),
        (
            "b: 2\na: 1\na: 3\n",
            "in line 3; put what is below it under the first, in line 2, or rename",
        ),
        ("a: {b: 1, b: 2}\n", "the key 'b' appears twice"),
        ("a: 1\nb 2\nc: 3\n", "in line 3; look there and one line above: indentation in spaces"),
        (b"\xff\xfe\x00\x01", "config.yaml: this is not "),
        ("a: !!python/object:os.system x\n", "this is not YAML: could not determine a constructor"),
        ("a: &x\n  b: *x\n", "config.yaml: a mapping contains itself, through an alias"),
        ("? [1, 2]\n: 3\n", "this is not YAML: found unhashable key"),
        ("a: !!timestamp x\n", "config.yaml: a value cannot be read"),
        ("a: !!float ''\n", "config.yaml: a value cannot be read"),
        ("a: !!map [1]\n", "config.yaml: "),
    ],
    ids=str,
)
def test_files_that_are_no_config(tmp_path, content, said):
    path = tmp_path / "config.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        check_file(path)
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_missing_file_and_a_good_one(tmp_path):
    with pytest.raises(InputError, match="cannot be read: No such file"):
        check_file(tmp_path / "none.yaml")
    check_file(ROOT / "config.yaml")
    merged = tmp_path / "merged.yaml"
    merged.write_text("a: &x {b: 1}\nc:\n  <<: *x\n  b: 2\n1: 2\n")
    check_file(merged)


def test_an_experiment_without_a_value_changes_nothing(tmp_path):
    """To Snakemake, null is a value that takes the place of what other files say."""
    files = [tmp_path / f"{i}.yaml" for i in range(3)]
    files[0].write_text("experiments: {a: {seed: 1, clip: false}, b: {seed: 2}}")
    files[1].write_text("experiments:\n  a:\n  c:\n")
    files[2].write_text("experiments: {a: {seed: 3}}")
    of_snakemake = {"experiments": {"a": {"seed": 3}, "b": "null", "c": None}}
    filled = laid(of_snakemake, files)
    expected = {"a": {"seed": 3, "clip": False}, "b": {"seed": 2}, "c": {}}
    assert filled == {"experiments": expected}
    typed, _ = with_typed_arguments(filled, ["experiments={a: null, d: null}"])
    assert typed == {"experiments": {**expected, "d": {}}}
    assert laid({"experiments": None}, files) == {"experiments": None}


def test_another_architecture_drops_the_knobs_of_the_file_before(tmp_path):
    files = [tmp_path / "ours.yaml", tmp_path / "theirs.yaml"]
    files[0].write_text("defaults: {seed: 1, model: {norm_groups: 4, num_classes: 3}}")
    files[1].write_text("defaults: {model: {architecture: dit}}")
    both = {"norm_groups": 4, "num_classes": 3, "architecture": "dit"}
    of_snakemake = {"defaults": {"seed": 1, "model": both}}
    dit = {"architecture": "dit", "num_classes": 3}
    assert laid(of_snakemake, files) == {"defaults": {"seed": 1, "model": dit}}
    first = laid(of_snakemake, files[:1])
    assert first["defaults"]["model"] == {"norm_groups": 4, "num_classes": 3}
    typed, _ = with_typed_arguments(first, ["defaults={model: {architecture: dit}}"])
    assert typed == {"defaults": {"seed": 1, "model": dit}}
    typed, _ = with_typed_arguments(first, ["defaults={model: {norm_groups: 8}}"])
    assert typed["defaults"]["model"]["norm_groups"] == 8
    assert laid({"defaults": {"model": 3}}, []) == {"defaults": {"model": 3}}


def test_arguments_of_the_command_line_are_yaml_at_every_depth():
    raw = {"targets": ["a"], "defaults": {"seed": "3", "data": {"n_test": "5", "fit": "crop"}}}
    typed, said = with_typed_arguments(
        raw, ["defaults={seed: 3, data: {n_test: 5}}", "targets=[b]"]
    )
    assert said == []
    assert typed == {
        "targets": ["b"],
        "defaults": {"seed": 3, "data": {"n_test": 5, "fit": "crop"}},
    }
    with pytest.raises(InputError, match=r"--config targets=\[: this is not YAML"):
        with_typed_arguments(raw, ["targets=["])
    with pytest.raises(InputError, match=r"--config defaults=.*: a value cannot be read: month"):
        with_typed_arguments(raw, ["defaults={seed: 2026-13-45}"])


def test_names_of_rules_are_taken():
    check_names(["a", "b"], {"all"})
    with pytest.raises(InputError, match="experiments.all: 'all' is the name of a rule"):
        check_names(["all"], {"all"})
    with pytest.raises(InputError, match="'verify.log' is the name of a rule's log"):
        check_names(["verify.log"], {"verify"})
    with pytest.raises(InputError, match="is the name of the gallery's page"):
        check_names(["index.html"], {"verify"})


def test_names_that_no_file_can_have():
    long = "a" * 151
    said = mistake({"samples": {long: {"sampler": "ddim"}}})
    assert said.endswith("must have at most 150 characters")
    settings = {"clip": [True, False], "seed": [1]}
    entry = {"samples": {"a" * 140: {"sampler": "ddim"}}}
    runs = {"evaluation": {"runs": [{"of": "a" * 140, "over": settings}]}}
    _, experiments = resolve({"targets": ["mine"], "experiments": {"mine": entry | runs}})
    with pytest.raises(InputError, match="is too long for the name of a file; vary less"):
        _ = experiments["mine"].runs


@pytest.mark.parametrize("section", ["data", "weights"])
def test_paths_that_no_file_can_have(section):
    for path, said in (("a" * 300, "File name too long"), ("a\0b", "holds a zero byte")):
        with pytest.raises(InputError, match=f"^{section}.folder: .*{said}"):
            user_path(path, f"{section}.folder")


def test_a_path_from_a_home_that_is_not_known(monkeypatch):
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as where HOME is not set
    for path, said in (("~/x", "no home is known; write it out, or"), ("~you/x", "no such user")):
        with pytest.raises(InputError, match=f"^folder: {path}: .*{said}.* ./~ for a folder"):
            user_path(path, "folder")


def test_one_text_for_equal_settings():
    assert canonical({"b": [1, 2], "a": 1e-4}) == '{"a":0.0001,"b":[1,2]}'


def test_experiments_that_are_spare_are_left_out_where_they_do_not_fit():
    """The project's own, beside the defaults of another folder's config."""
    config = {
        "targets": ["mine"],
        "defaults": {"data": {"n_images": 60, "n_test": 20}},
        "experiments": {"mine": {}, "ours": {"data": {"n_test": 1000}}, "fits": {}},
    }
    with pytest.raises(InputError, match="experiments.ours.data.n_test: 1000"):
        resolve(config)
    assert list(resolve(config, spare={"ours", "fits"})[1]) == ["mine", "fits"]
    with pytest.raises(InputError, match="experiments.ours.data.n_test: 1000"):
        resolve(config | {"targets": ["ours"]}, spare={"ours"})
