"""Put together what Sphinx reads: python docs/assemble.py FOLDER SETTINGS.md TUTORIAL.ipynb ...

Pages are written for whoever reads them in the repository. Here their links are made to fit the
site: a page in docs/ is a page of the site, another picture is copied, any other file is one to
download. The pages of `PARTS` are cut out of README and CONTRIBUTING.
"""

import os
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PARTS = {
    "targets": ("Targets and experiments", "README.md", "## Targets", "## Where things are"),
    "adding": ("Adding a sampler, a figure, a stage", "CONTRIBUTING.md", "## The rooms", ""),
}
PICTURES = {".png", ".gif"}
_LINK = re.compile(r"(?<=\]\()([\w./-]+)((?:#[\w-]+)?)(?=\))")


def fitted(text: str, old: Path, new: Path, source: Path) -> str:
    """Return a page with the links of a page in folder `old`, for one in `new` of the site."""

    def link(found: re.Match[str]) -> str:
        file = Path(os.path.normpath(old / found[1]))
        if file.suffix in PICTURES and DOCS not in file.parents:
            place = Path(shutil.copy(file, source / "figures"))
        elif DOCS in file.parents:
            place = source / file.relative_to(DOCS)
        else:
            return f"path:{os.path.relpath(file, new)}"
        place = place.with_suffix(".ipynb") if place.parent.name == "tutorials" else place
        return os.path.relpath(place, new) + found[2]

    return _LINK.sub(link, text)


def main(source: Path, settings: Path, tutorials: list[Path]) -> None:
    """Write all that the site is made from into a folder, anew."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(DOCS / "figures", source / "figures")
    shutil.copy(DOCS / "conf.py", source)
    for page in [*DOCS.glob("*.md"), *DOCS.glob("reference/*.md")]:
        place = source / page.relative_to(DOCS)
        place.parent.mkdir(exist_ok=True)
        place.write_text(fitted(page.read_text(), page.parent, place.parent, source))
    reference = source / "reference"
    for name, (title, file, begin, end) in PARTS.items():
        text = begin + (ROOT / file).read_text().partition(begin)[2]
        part = text.partition(end)[0] if end else text
        part = fitted(part, ROOT, reference, source)
        (reference / f"{name}.md").write_text(f"# {title}\n\n{part}")
    text = fitted(settings.read_text(), DOCS / "reference", reference, source)
    (reference / "settings.md").write_text(text)
    (source / "tutorials").mkdir()
    for tutorial in tutorials:
        place = source / "tutorials" / tutorial.name
        old = DOCS / "tutorials"
        place.write_text(fitted(tutorial.read_text(), old, place.parent, source))


if __name__ == "__main__":
    first, second, *rest = map(Path, sys.argv[1:])
    main(first.resolve(), second, rest)
