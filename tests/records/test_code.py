"""What code means: a digest that edits of words leave alone, and no other edit."""

import ast
import io
import keyword
import random
import shutil
import tokenize
from dataclasses import dataclass
from pathlib import Path

import pytest

from sfumato.config.fields import Section
from sfumato.records import code
from sfumato.records.code import meaning_digest, modules_of, source_files
from sfumato.samplers import DDIM

HERE = Path(__file__).resolve().parents[2]
SCRIPT = "scripts/train.py"


class Tree:
    """A copy of scripts and library, read anew for each digest."""

    def __init__(self, folder):  # noqa: D107
        self.folder = folder

    def forget(self):
        """Read the files again: a process takes them not to change."""
        for value in vars(code).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()

    def digest(self, script=SCRIPT, *modules):
        self.forget()
        return meaning_digest(self.folder / script, *modules)

    def files(self, script=SCRIPT):
        """Return what a script reads, itself first, from the copy."""
        self.forget()
        return [self.folder / script, *source_files(self.folder / script)]


@pytest.fixture
def tree(tmp_path, monkeypatch):
    folder = tmp_path / "a copy"
    for name in ("scripts", "src"):
        shutil.copytree(HERE / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code, "ROOT", folder / "src" / "sfumato")
    yield (made := Tree(folder))
    made.forget()


@pytest.fixture
def toy(tree):
    """Return a function that gives the digest of a script of this text."""

    def of(text):
        (tree.folder / "scripts" / "toy.py").write_text(text)
        return tree.digest("scripts/toy.py")

    return of


def sampled(tree, count=3):
    """Return some of the files that training reads, the same ones for the same tree."""
    files = [path for path in tree.files() if path.name != "__init__.py"]
    return random.Random(0).sample(files, count)


def test_the_digest_does_not_depend_on_the_place(tree, monkeypatch):
    there = tree.digest()
    moved = Tree(tree.folder.rename(tree.folder.parent / "elsewhere"))
    monkeypatch.setattr(code, "ROOT", moved.folder / "src" / "sfumato")
    assert moved.digest() == there


def test_a_script_reads_what_it_imports_and_no_more(tree):
    rooms = {path.parent.name for path in tree.files()}
    assert {"training", "networks", "diffusion", "records"} <= rooms
    assert not {"samplers", "guidance", "editing", "figures", "evaluation"} & {
        path.parent.name for path in tree.files() if path.name not in ("__init__.py", "base.py")
    }


def test_comments_docstrings_and_layout_do_not_count(tree):
    """Every file that training reads is laid out anew, its words changed."""
    before, changed = tree.digest(), 0
    for path in tree.files():
        text = path.read_text()
        parsed = ast.parse(text)
        for node in ast.walk(parsed):
            match node:
                case ast.Expr(value=ast.Constant(value=str())):
                    node.value.value = "Other words."
                    changed += 1
        path.write_text("# a comment\n\n\n" + ast.unparse(parsed) + "\n\n# the end\n")
    assert changed > 100 and tree.digest() == before


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('raise ValueError(f"{x}: bad")', 'raise ValueError(f"{x:g}: must be good", x)'),
        ("raise refused(x) from None", 'raise refused(x, "more") from None'),
        ('error = KeyError("a")', 'error = KeyError("b")'),
        ('raise Conflict("steps", "is wrong")', 'raise Conflict("steps", "is too long")'),
        ('assert x, "no x"', "assert x"),
        ('logging.info("a %d", x)', 'logging.info("b %d %d", x, 1)'),
        ('logging.getLogger("a").warning("b")', 'logging.getLogger("a").warning("c")'),
        ('logger.warning("a")', 'logger.warning("b")'),
        ('warnings.warn("a", UserWarning)', 'warnings.warn("b", UserWarning)'),
        ('print("a", file=sys.stderr)', 'print("b", file=sys.stderr)'),
        ("if TYPE_CHECKING:\n    import a\nelse:\n    b = 1", "b = 1"),
        ('"""Words."""', ""),
        ('x = 1\n"""Of x."""', "x = 1"),
        ("x = 1 ;  y=2", "x = 1\n\n# a word\ny = 2"),
    ],
)
def test_words_do_not_count(toy, before, after):
    assert toy(before) == toy(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('raise ValueError("a")', 'raise KeyError("a")'),
        ('raise ValueError("a")', "pass"),
        ('raise ValueError("a") from error', 'raise ValueError("a")'),
        ("assert x > 1", "assert x > 2"),
        ('logger.warning("a")', 'logger.error("a")'),
        ('logger.warning("a")', "pass"),
        ('warnings.warn("a", UserWarning)', 'warnings.warn("a", FutureWarning)'),
        ('print("a")', 'print("b")'),
        ('x = "a"', 'x = "b"'),
        ('log(x, "a")', 'log(x, "b")'),
        ("np.log(2)", "np.log(3)"),
        ("x: int = 1", "x: float = 1"),
        ("x = 1", "x = 1.0"),
    ],
)
def test_what_does_something_counts(toy, before, after):
    assert toy(before) != toy(after)


def places(text):
    """Find each number, name and operator: where it is, and what to put in its place."""
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
        for token, new in random.Random(0).sample(found, min(2, len(found))):
            lines = text.splitlines(keepends=True)
            row, (begin, end) = token.start[0] - 1, (token.start[1], token.end[1])
            lines[row] = lines[row][:begin] + new + lines[row][end:]
            yield f"line {row + 1}: {token.string} -> {new}", "".join(lines)


def words_of(text):
    """Return the lines, numbered from 1, on which errors and logs are told something."""
    lines = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Raise | ast.Assert) or (
            isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        ):
            lines |= {*range(node.lineno, (node.end_lineno or 0) + 1)}
        elif isinstance(node, ast.Call) and any(
            word in ast.unparse(node.func) for word in ("Error", "Conflict", "log", "warn")
        ):
            lines |= {*range(node.lineno, (node.end_lineno or 0) + 1)}
    return lines


def test_a_number_a_name_or_an_operator_counts(tree):
    changed = 0
    for path in sampled(tree):
        before, text = tree.digest(), path.read_text()
        words = words_of(text)
        for what, edited in edits(text):
            try:
                ast.parse(edited)
            except SyntaxError:  # the star of `def f(*, x)` has no other in its place
                continue
            if int(what.split()[1].rstrip(":")) in words:
                continue
            path.write_text(edited)
            assert tree.digest() != before, f"{path}: {what}"
            changed += 1
        path.write_text(text)
        assert tree.digest() == before
    assert changed >= 10


def test_how_a_job_shows_its_progress_does_not_count(tree):
    before, edited = tree.digest(), 0
    for name in code.COSMETIC:
        path = code.ROOT / name
        if path.is_file():
            path.write_text(path.read_text() + "\nWORD = 1\n")
            edited += 1
    assert edited and tree.digest() == before


def test_a_new_file_counts_once_it_is_imported(tree):
    """Not when it is added to a room, whose files are methods chosen by name."""
    before = tree.digest()
    for room in ("samplers", "guidance", "networks", "figures", "config"):
        (code.ROOT / room / "extra.py").write_text("NUMBER = 1\n")
    assert tree.digest() == before
    script = tree.folder / SCRIPT
    script.write_text(script.read_text() + "\nimport sfumato.samplers.extra\n")
    with_it = tree.digest()
    (code.ROOT / "samplers" / "extra.py").write_text("NUMBER = 2\n")
    assert len({before, with_it, tree.digest()}) == 3


def test_a_method_that_is_chosen_by_name_counts(tree):
    before, chosen = tree.digest(), tree.digest(SCRIPT, "sfumato.samplers.ddim")
    path = code.ROOT / "samplers" / "ddim.py"
    path.write_text(path.read_text() + "\nNUMBER = 1\n")
    assert tree.digest() == before != chosen
    assert tree.digest(SCRIPT, "sfumato.samplers.ddim") != chosen


def defined_in(module):
    """Return a dataclass of knobs that a module of this name defines."""

    @dataclass(frozen=True)
    class Knobs:
        inner: object = None

    Knobs.__module__ = module
    return Knobs


def test_settings_name_the_methods_inside_them():
    class Settings(Section):
        entries: dict[str, list[object]]
        other: object

    guidance = defined_in("sfumato.guidance.some")(defined_in("sfumato.editing.some")())
    settings = Settings(
        entries={"a": [DDIM()], "b": [guidance, 3]},
        other=(defined_in("sfumato.networks.some_config")(), defined_in("elsewhere.some")()),
    )
    assert modules_of(settings) == (
        "sfumato.editing.some",
        "sfumato.guidance.some",
        "sfumato.networks.some",
        "sfumato.networks.some_config",
        "sfumato.samplers.ddim",
    )
    assert modules_of(None) == ()
