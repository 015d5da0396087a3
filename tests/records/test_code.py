"""What a script means: a digest that an edit of its words leaves alone, and no other edit."""

import ast
import io
import keyword
import random
import shutil
import tokenize

import pytest
from conftest import ROOT, some_quick

from sfumato.records import code as source
from sfumato.records.code import meaning_digest, source_files

SAMPLED = (
    "scripts/train.py",
    *(f"src/sfumato/{name}.py" for name in ("training", "losses", "optimiser", "unet", "betas")),
    *(f"src/sfumato/{name}.py" for name in ("diffusion", "schedule", "randomness", "resumption")),
    *(f"src/sfumato/config/{name}.py" for name in ("training", "diffusion", "fields")),
)


def forget():
    """Let the files be read anew: a process takes them not to change."""
    for cached in (source._tree, source._meaning, source._imports, source._files):
        cached.cache_clear()


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Return a copy of scripts and library, of which the digests are taken now."""
    folder = tmp_path / "a copy"
    for name in ("scripts", "src"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(source, "ROOT", folder / "src" / "sfumato")
    forget()
    yield folder
    forget()


def digest_of(tree, script="train"):
    forget()
    return meaning_digest(tree / "scripts" / f"{script}.py")


def edit(path, old, new):
    """Replace a text that stands in a file once."""
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new))


def inside(tree, path):
    """Say which of the script's files a path of the tree is."""
    return tree / path in source_files(tree / "scripts" / "train.py")


def test_the_digest_does_not_depend_on_the_place(tree):
    there = digest_of(tree)
    moved = tree.rename(tree.parent / "elsewhere")
    source.ROOT = moved / "src" / "sfumato"  # the fixture puts it back
    assert digest_of(moved) == there


def test_what_is_sampled_is_what_training_imports(tree):
    assert all(inside(tree, path) for path in SAMPLED)
    for path in ("scripts/sample.py", "src/sfumato/plotting.py", "src/sfumato/samplers/ddim.py"):
        assert (tree / path).is_file() and not inside(tree, path)


@pytest.mark.parametrize("path", some_quick(SAMPLED, SAMPLED[::4].__contains__))
def test_comments_and_blank_lines_do_not_count(tree, path):
    before = digest_of(tree)
    lines = (tree / path).read_text().splitlines()
    first = ast.parse("\n".join(lines)).body[1].lineno - 1  # behind the docstring
    edited = [*lines[:first], "", "", "# a word on what follows", "", *lines[first:], "# the end"]
    edited = [
        line + "  # more" if line.startswith(("def ", "import ")) else line for line in edited
    ]
    (tree / path).write_text("\n".join(edited) + "\n\n\n")
    assert digest_of(tree) == before


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("scripts/train.py", '"""Run the script."""', '"""Run it, as\n\n    ever."""'),
        ("scripts/train.py", '"""Train the network of a', '"""Teach the network of a'),
        ("src/sfumato/losses.py", "What a network is trained to make small", "Losses"),
        ("src/sfumato/losses.py", "Return w(t) of min-SNR weighting", "Return the weights"),
        ("src/sfumato/training.py", '"""What is recorded of each step."""', '"""Columns."""'),
        ("src/sfumato/training.py", '"""What is recorded of each step."""\n', ""),
        ("src/sfumato/training.py", "The images (N, H, W, C) in [-1, 1] and", "Images and"),
        ("src/sfumato/config/fields.py", '"""A finite number, whole or not; `true`', '"""`true`'),
        ("src/sfumato/unet.py", "Undo `_to_patches`.", "Turn channels into pixels."),
    ],
)
def test_docstrings_do_not_count(tree, path, old, new):
    before = digest_of(tree)
    edit(tree / path, old, new)
    assert digest_of(tree) == before


def test_layout_does_not_count(tree):
    before = digest_of(tree)
    for path in SAMPLED:
        text = (tree / path).read_text()
        (tree / path).write_text(ast.unparse(ast.parse(text)))
        assert (tree / path).read_text() != text
    assert digest_of(tree) == before


def test_how_a_job_shows_its_progress_does_not_count(tree):
    before = digest_of(tree)
    assert inside(tree, "src/sfumato/progress.py")
    edit(tree / "src/sfumato/progress.py", 'desc="train"', 'desc="learning"')
    assert digest_of(tree) == before
    edit(tree / "src/sfumato/training.py", "STEPS_PER_DISPATCH = 10", "STEPS_PER_DISPATCH = 11")
    assert digest_of(tree) != before


def test_what_training_does_not_import_does_not_count(tree):
    before, of_sampling = digest_of(tree), digest_of(tree, "sample")
    edit(tree / "src/sfumato/sampling.py", "\nimport jax\n", "\nimport jax\n\nWORD = 1\n")
    assert digest_of(tree) == before and digest_of(tree, "sample") != of_sampling


def places(text):
    """Find each number, name and operator: where it stands, and what to put in its place."""
    swaps = {"+": "-", "-": "+", "*": "**", "**": "*", "/": "//", "<": ">", ">": "<", "==": "!="}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NUMBER:
            yield token, f"1{token.string}"
        elif token.type == tokenize.NAME and not keyword.iskeyword(token.string):
            yield token, f"{token.string}_"
        elif token.type == tokenize.OP and token.string in swaps:
            yield token, swaps[token.string]


def edits(text):
    """Return the text with one place changed, for some numbers, some names, some operators."""
    kinds = {tokenize.NUMBER: [], tokenize.NAME: [], tokenize.OP: []}
    for token, new in places(text):
        kinds[token.type].append((token, new))
    for found in kinds.values():
        for token, new in random.Random(0).sample(found, min(3, len(found))):
            lines = text.splitlines(keepends=True)
            row, (begin, end) = token.start[0] - 1, (token.start[1], token.end[1])
            lines[row] = lines[row][:begin] + new + lines[row][end:]
            yield f"line {row + 1}: {token.string} -> {new}", "".join(lines)


@pytest.mark.parametrize("path", some_quick(SAMPLED, SAMPLED[::4].__contains__))
def test_a_number_a_name_or_an_operator_counts(tree, path):
    before, changed = digest_of(tree), 0
    text = (tree / path).read_text()
    for what, edited in edits(text):
        try:
            ast.parse(edited)
        except SyntaxError:  # the star of `def f(*, x)` has no other in its place
            continue
        (tree / path).write_text(edited)
        assert digest_of(tree) != before, what
        changed += 1
    assert changed >= 3
    (tree / path).write_text(text)
    assert digest_of(tree) == before


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        (
            "losses",
            'case "l1":\n            losses = jnp.abs(',
            'case "l1":\n            losses = (',
        ),
        ("training", 'IMAGES = "images"', 'IMAGES = "image"'),
        ("config/training", "gt=0, le=1)", "gt=0, lt=1)"),
        ("config/training", '"mse", "l1", "huber"', '"mse", "l1"'),
        ("optimiser", "EMA_WARMUP = 10", "EMA_WARMUP = 10.0"),
        ("training", "unet.train()\n", "\n"),
        ("losses", "jnp.minimum(1.0, gamma * noise / alpha_bar)", "jnp.minimum(1.0, gamma)"),
        ("training", "if store and taken", "if taken"),
    ],
)
def test_a_text_that_is_read_a_type_and_a_statement_count(tree, path, old, new):
    before = digest_of(tree)
    edit(tree / f"src/sfumato/{path}.py", old, new)
    assert digest_of(tree) != before


def test_a_new_import_brings_in_a_new_module(tree):
    before = digest_of(tree)
    (tree / "src/sfumato/extra.py").write_text("NUMBER = 1\n")
    assert digest_of(tree) == before
    edit(tree / "src/sfumato/losses.py", "import optax\n", "import optax\nimport sfumato.extra\n")
    with_it = digest_of(tree)
    (tree / "src/sfumato/extra.py").write_text("NUMBER = 2\n")
    assert len({before, with_it, digest_of(tree)}) == 3
