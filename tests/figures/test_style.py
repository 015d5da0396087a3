"""Whatever Matplotlib is set to, a figure has the same bytes, and the settings stay."""

import warnings

import matplotlib
import pytest
from conftest import slow
from figure_files import FILES, LOOK, draw

from sfumato.figures.saving import save

CANDIDATES = (
    *(True, False, 3, 0.3, 31, "red", "#222222", "serif", "tight", "large", "bold", "--", "x"),
    *("top", "left", "log", "both", "in", "bilinear", "jpeg", "cm", "c", "major", "lower"),
    *((0.1, 0.2), (2.0, 3.0), ["red"], ["Comic Sans MS"], None),
)
OF_A_WINDOW = ("backend", "backend_fallback", "interactive", "toolbar")


def another(key):
    """Return another valid value of a setting; its own if none was found."""
    usual = matplotlib.rcParamsDefault[key]
    for candidate in CANDIDATES:
        try:
            value = matplotlib.rcParams.validate[key](candidate)
        except Exception:
            continue
        if value != usual:
            return value
    return usual


@pytest.fixture(scope="module")
def others():
    """Return another value of every setting that has one."""
    keys = [key for key in matplotlib.rcParamsDefault if key not in OF_A_WINDOW]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = {key: another(key) for key in keys}
    changed = {key: value for key, value in values.items() if value != matplotlib.rcParams[key]}
    assert len(changed) > 250 and {"text.usetex", "savefig.bbox", "font.family"} <= set(changed)
    return changed


def drawn(name, folder):
    """Return the bytes of a figure."""
    path = folder / "figure"
    path = path.with_suffix(".gif" if name == "animation" else ".png")
    save(path, draw(name, FILES[name](folder, 2)), LOOK, {})
    return path.read_bytes()


def set_all(values):
    """Set what a matplotlibrc may set, as it does: without a look at how values go together."""
    matplotlib.rcParams._update_raw(values)


@pytest.mark.parametrize("name", [slow(name) if name == "nearest" else name for name in FILES])
def test_no_setting_changes_a_figure(name, others, tmp_path):
    usual = drawn(name, tmp_path)
    with matplotlib.rc_context():
        set_all(others)
        before = dict(matplotlib.rcParams.copy())
        assert drawn(name, tmp_path) == usual
        assert dict(matplotlib.rcParams.copy()) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["training", "trajectory"])
def test_no_setting_alone_changes_a_figure(name, others, tmp_path):
    usual = drawn(name, tmp_path)
    for key, value in others.items():
        with matplotlib.rc_context():
            set_all({key: value})
            assert drawn(name, tmp_path) == usual, key


def test_the_letters_are_those_that_matplotlib_brings():
    from matplotlib.font_manager import FontProperties, findfont

    from sfumato.figures.style import own_style

    with own_style():
        assert findfont(FontProperties()).startswith(matplotlib.get_data_path())
