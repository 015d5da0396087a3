"""The gallery: one folder that shows everything that was built, and needs nothing else."""

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gallery
from sfumato.errors import InputError
from sfumato.gallery.collect import Row, Strip, collect, experiments, name_of
from sfumato.gallery.page import write_page

CHROMIUM = shutil.which("chromium")


class Elements(HTMLParser):
    """All elements of a page, with their attributes."""

    def __init__(self, text):
        """Read the page."""
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def attributes(self, tag, name):
        return [found[name] for each, found in self.found if each == tag and name in found]


@pytest.fixture(scope="module")
def results(built):
    return built[0] / "results"


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page") / "gallery"
    write_page(folder, experiments(results, ["nobody", "tiny"]))
    return folder


def test_every_figure_is_there_with_what_made_it(results, page):
    text = (page / "index.html").read_text()
    pictures = [p for p in (results / "tiny").iterdir() if p.suffix in (".png", ".gif")]
    shown = {path.name for path in (page / "tiny").iterdir()}
    assert shown == {*(path.name for path in pictures), "frames.png"}
    for each in pictures:
        assert (page / "tiny" / each.name).read_bytes() == each.read_bytes()
        assert f'data-picture="tiny/{each.name}"' in text
    assert text.count('<pre class="explanation" hidden>') == len(pictures)
    for words in ("made by", "snakemake --cores 1 results/rebuilt/ddim_samples.png", "sample.py"):
        assert words in text


def test_the_page_is_whole_and_alone(page):
    """Whatever it names lies in its folder; every picture has words for who does not see it."""
    found = Elements((page / "index.html").read_text())
    for source in found.attributes("img", "src"):
        assert (page / source).is_file()
    assert all(len(words) > 5 for words in found.attributes("img", "alt")[:-1])
    links = found.attributes("a", "href")
    names = {attributes.get("id") for _, attributes in found.found}
    assert all(link.startswith("#") and link[1:] in names for link in links)
    text = re.sub(r'(?s)<pre class="explanation".*?</pre>', "", (page / "index.html").read_text())
    assert not re.search(r"https?://|@import|<link(?![^>]*data:)", text)


def test_the_slider_has_a_place_for_each_frame(results, page):
    shown = collect(results / "tiny").trajectory
    assert shown is not None and len(shown.times) == shown.strip.count and shown.times[-1] == -1
    found = Elements((page / "index.html").read_text())
    assert found.attributes("input", "max") == [str(shown.strip.count - 1)]


@pytest.mark.parametrize(
    ("file", "said"),
    [("my_samples.png", "my samples"), ("sweep_my_samples.png", "sweep my_samples")],
)
def test_a_picture_is_called_as_the_report_calls_it(file, said):
    assert name_of(Path(file)) == said


def test_what_a_record_says_cannot_break_the_page(results, tmp_path):
    """A title may hold anything that a config may."""
    shown = collect(results / "tiny")
    vicious = "</pre><script>alert(1)</script>"
    first, *others = shown.pictures
    changed = type(first)(first.path, vicious, vicious)
    write_page(tmp_path / "page", [type(shown)("tiny", [changed, *others], None, {}, {})])
    assert vicious not in (tmp_path / "page" / "index.html").read_text()


def test_pictures_of_the_user_are_left_out_and_names_do_not_collide(results, tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    shutil.copy(results / "tiny" / "forward.png", folder)
    Image.new("L", (8, 8)).save(folder / "own.png")
    (folder / "folder.png").mkdir()
    (folder / "metrics.md").write_bytes(b"\xff\xfe")  # quality.json is what is read
    shown = collect(folder)
    assert [each.path.name for each in shown.pictures] == ["forward.png"]
    points = [Row("steps 2", "2 NFE", Strip(np.zeros((8, 8, 3), np.uint8), 1))] * 2
    sweeps = {"sweep_s": points, "sweep_s-0": points[:1]}
    write_page(tmp_path / "page", [replace(shown, sweeps=sweeps)])
    found = Elements((tmp_path / "page" / "index.html").read_text())
    sources = [each for each in found.attributes("img", "src") if "sweep_" in each]
    assert len({*sources}) == 3 and all((tmp_path / "page" / each).is_file() for each in sources)


@pytest.mark.parametrize("name", ["mine.txt", "index.html"])
def test_a_folder_of_the_user_stays(results, tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputError, match=f"holds {name}, which is not part of a gallery"):
        write_page(tmp_path, experiments(results, ["tiny"]))
    assert (tmp_path / name).read_text() == "mine"


@pytest.mark.parametrize(
    "name", ["thesis.tex", "mine/post.html", "tiny/notes.txt", "tiny/points/a.png"]
)
def test_what_the_user_puts_beside_a_page_stays(results, tmp_path, name):
    folder, found = tmp_path / "gallery", experiments(results, ["tiny"])
    write_page(folder, found)
    write_page(folder, found)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("mine")
    with pytest.raises(InputError, match="which is not part of a gallery; nothing was deleted"):
        write_page(folder, found)
    assert (folder / name).read_text() == "mine" and (folder / "index.html").is_file()


def test_a_page_takes_the_place_of_an_earlier_one(results, tmp_path):
    folder = tmp_path / "gallery"
    write_page(folder, experiments(results, ["tiny"]))
    (folder / "tiny" / "old.png").write_bytes(b"")
    write_page(folder, experiments(results, ["tiny"]))
    assert not (folder / "tiny" / "old.png").exists() and (folder / "index.html").is_file()


def test_what_the_config_does_not_have_is_named(results, tmp_path, capsys):
    folder = shutil.copytree(results, tmp_path / "results")
    shutil.copytree(folder / "tiny", folder / "earlier")
    (folder / "broken").mkdir()
    (folder / "broken" / "a.png").touch()
    words = ["--results", str(folder), "--output", str(tmp_path / "page")]
    gallery.main(["--experiments", "tiny", *words])
    text = (tmp_path / "page" / "index.html").read_text()
    assert "Also built, and not among the experiments of this page: earlier." in text
    gallery.main(["--experiments", "tiny", "earlier", *words])
    assert "Also built" not in (tmp_path / "page" / "index.html").read_text()


def test_without_anything_built(tmp_path):
    with pytest.raises(InputError, match="nothing is built; `snakemake --cores 1` builds"):
        experiments(tmp_path, ["tiny"])


TRY = """
<script>
const seen = [], press = (each) => each.dispatchEvent(new Event("input"));
addEventListener("error", (event) => seen.push(`error ${event.message}`), true);
addEventListener("load", () => {
  document.querySelector(".picture").click();
  seen.push(`open ${document.querySelector("dialog").open}`);
  seen.push(`explains ${document.querySelector("dialog pre").textContent.includes("made by")}`);
  document.querySelector("dialog").close();
  const slider = document.querySelector("input"), frame = document.querySelector(".frame");
  seen.push(`last ${document.querySelector("output").textContent}`);
  slider.value = 0; press(slider);
  const time = document.querySelector("output").textContent;
  seen.push(`first ${time} ${frame.style.backgroundPosition}`);
  const loaded = performance.getEntriesByType("resource").map((each) => each.name);
  seen.push(`outside ${loaded.filter((name) => !/^(file|data):/.test(name)).length}`);
  seen.push(`wide ${document.documentElement.scrollWidth <= innerWidth}`);
  document.body.dataset.seen = seen.join("; ");
});
</script>
"""


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason="needs Debian's package chromium")
@pytest.mark.parametrize("width", [1280, 500])
def test_it_works_in_a_browser(page, tmp_path, width):
    folder = tmp_path / "gallery"
    shutil.copytree(page, folder)
    index = folder / "index.html"
    index.write_text(index.read_text().replace("</head>", TRY + "</head>"))
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu"]
    command += ["--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}"]
    command += [f"--window-size={width},900"]
    done = subprocess.run(
        [*command, "--dump-dom", index.as_uri()], capture_output=True, text=True, timeout=120
    )
    assert "CONSOLE" not in done.stderr
    (seen,) = re.findall(r'data-seen="([^"]*)"', done.stdout)
    times = re.search(r'data-times="(\d+)', done.stdout)
    assert times
    assert seen == (
        f"open true; explains true; last x_0; first t = {times[1]} 0% 0px; outside 0; wide true"
    )


def test_the_script_says_where_the_page_is(results, tmp_path, capsys):
    output = tmp_path / "gallery"
    gallery.main(["--experiments", "tiny", "--results", str(results), "--output", str(output)])
    assert capsys.readouterr().out.strip().endswith("gallery/index.html")
    assert (output / "index.html").is_file()


@pytest.mark.parametrize("name", ["tiny/mine.png", "tiny/points/sweep_s/77.png"])
def test_a_picture_of_the_user_beside_a_page_stays(results, tmp_path, name):
    folder, found = tmp_path / "gallery", experiments(results, ["tiny"])
    write_page(folder, found)
    (folder / name).parent.mkdir(exist_ok=True, parents=True)
    Image.new("L", (2, 2)).save(folder / name)
    with pytest.raises(InputError, match="picture is not part of the gallery; nothing was deleted"):
        write_page(folder, found)
    assert (folder / name).is_file() and (folder / "index.html").is_file()
