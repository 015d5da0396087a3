"""The page: index.html, and beside it a folder of pictures for each experiment."""

import re
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined
from markupsafe import escape
from PIL import Image

from sfumato.config.paths import shown
from sfumato.errors import InputError
from sfumato.gallery.collect import Experiment, Strip
from sfumato.records.damage import ForeignError
from sfumato.records.finding import PICTURES
from sfumato.records.opening import open_record
from sfumato.records.outputs import check_removable, check_room, folder_aside, real
from sfumato.version import __version__

MARK = "<title>sfumato: gallery</title>"
"""By which a page is known, whose folder is replaced."""
_STRAY = r"\.DS_Store|\.nfs.*|\.snakemake_timestamp"
"""What may be in any folder."""
_PICTURES = re.compile(rf".*\.(png|gif)|points|{_STRAY}")
_SWEEPS = re.compile(rf"sweep_.*|{_STRAY}")
_POINTS = re.compile(rf"\d+\.png|{_STRAY}")


def write_page(
    folder: Path, experiments: Sequence[Experiment], left_out: Sequence[str] = ()
) -> None:
    """Write the page into a folder, which needs nothing outside of it.

    Args:
        folder: where.
        experiments: what is shown.
        left_out: the names of others of which something was built.

    Raises:
        InputError: if the folder holds anything else.
    """
    folder = real(folder)
    _check_room(folder)
    with folder_aside(folder) as part:
        for each in experiments:
            (part / each.name).mkdir()
            for picture in each.pictures:
                shutil.copyfile(picture.path, part / each.name / picture.path.name)
            if each.trajectory:
                _save(each.trajectory.strip, part / each.name / "frames.png")
            for name, points in each.sweeps.items():
                strips = part / each.name / "points" / name
                strips.mkdir(parents=True)
                for i, point in enumerate(points):
                    _save(point.strip, strips / f"{i}.png")
        own = files("sfumato.gallery")
        parts = {name: (own / name).read_text("utf-8") for name in ("page.css", "page.js")}
        environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
        template = environment.from_string((own / "page.html").read_text("utf-8"))
        text = template.render(
            experiments=experiments,
            left_out=left_out,
            style=parts["page.css"],
            program=parts["page.js"],
            version=__version__,
        )
        (part / "index.html").write_text(text, encoding="utf-8")


def _check_room(folder: Path) -> None:
    """Raise an InputError if a folder holds anything that no page of before can have written."""
    check_removable(folder, "a gallery")
    page = folder / "index.html"
    text = page.read_text("utf-8", errors="replace") if page.is_file() else ""
    own = {"index.html", *re.findall(r'<section id="([^"]+)"', text)} if MARK in text else set()
    names = re.compile("|".join([*map(re.escape, sorted(own)), _STRAY]))
    rooms = [(folder, names)]
    for each in sorted(own):
        rooms += [(folder / each, _PICTURES), (folder / each / "points", _SWEEPS)]
        rooms += [(sweep, _POINTS) for sweep in sorted((folder / each / "points").glob("*"))]
    for room, expected in rooms:
        check_room(room, expected, "a gallery")
        for path in room.glob("*.*") if room != folder else ():
            if escape(path.relative_to(folder).as_posix()) not in text and _is_foreign(path):
                raise InputError(
                    f"{shown(path)}: this picture is not part of the gallery; nothing was deleted: "
                    "move it away"
                )


def _is_foreign(path: Path) -> bool:
    """Tell whether a file is a picture that this workflow did not make; an empty one is none."""
    try:
        return path.stat().st_size > 0 and not open_record(path)
    except ForeignError:
        return path.suffix in PICTURES
    except InputError:
        return False


def _save(strip: Strip, path: Path) -> None:
    Image.fromarray(strip.colours).save(path)
