"""How Sphinx builds the site; `docs/assemble.py` puts together what it reads."""

import re
from itertools import groupby

from sfumato.version import __version__

project, author, release = "sfumato", "the sfumato authors", __version__
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
html_theme = "sphinx_book_theme"
html_title = "sfumato"
html_theme_options = {"show_toc_level": 2}
nb_execution_mode = "off"  # the workflow has run the tutorials
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the signature has them
napoleon_use_ivar = True
default_role = "code"
SECTIONS = {"Args:", "Attributes:", "Raises:", "Returns:"}


def as_rst(app, what, name, obj, options, lines):  # noqa: ANN001, ANN201 (Sphinx's event)
    """Turn plain text into reStructuredText: equations and columns stay as they are written.

    A paragraph that is indented, or has columns, is a literal block; in others, signs that mean
    something to Sphinx mean themselves.
    """
    found, section = [], False
    for empty, group in groupby(lines, key=lambda line: not line.strip()):
        block = list(group)
        section = section or block[0] in SECTIONS
        written = block[0].startswith("    ") or any(re.search(r"^ |\S   ", line) for line in block)
        if not empty and not section and written:
            found += ["::", "", *(f"    {line}" for line in block)]
        else:
            found += block if empty else [_escaped(line) for line in block]
    lines[:] = found


def _escaped(line: str) -> str:
    parts = re.split(r"(`[^`]*`)", line)
    parts[::2] = [re.sub(r"([|*\\]|_(?!\w))", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)


def setup(app):  # noqa: ANN001, ANN201 (Sphinx's hook)
    """Connect the above, before napoleon reads the sections of a docstring."""
    app.connect("autodoc-process-docstring", as_rst, priority=1)
