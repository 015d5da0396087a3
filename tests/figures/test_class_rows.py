"""What classes are called, and samples of several classes in rows."""

import numpy as np
import pytest
from figure_files import ENTRIES, checkpoint, draw, drawn, images, made, said, samples_file

from sfumato.figures.classes import class_name, class_names, class_words
from sfumato.records.arrays import save_arrays
from sfumato.records.provenance import Record

DIGITS = tuple(map(str, range(10)))
CLOTHES = ("T-shirt/top", "Trouser", "Pullover")


@pytest.mark.parametrize(
    ("labels", "names", "words"),
    [
        ([7], (), "class 7"),
        ([7], DIGITS, "class 7"),
        ([1], CLOTHES, "class Trouser"),
        ([0, 1, 2, 3], (), "classes 0 to 3"),
        ([0, 1, 2], CLOTHES, "classes T-shirt/top to Pullover"),
        ([3, 8], DIGITS, "classes 3, 8"),
        ([3, -1], DIGITS, "classes 3, no class"),
        ([-1, 0, 1], (), "classes no class, 0, 1"),
        ([-1], (), "no class"),
        ([2, 2, 2], (), "classes 2, 2, 2"),
        ("random", DIGITS, "classes at random"),
    ],
    ids=str,
)
def test_words(labels, names, words):
    assert class_words(labels, names) == words


def test_names_are_those_of_the_data_that_a_network_was_trained_on():
    trained = checkpoint("trained")
    assert class_names(Record.model_validate(trained)) == DIGITS
    data = made("data.npz", "prepare_data.py", data={"source": "fashion-mnist"})
    clothes = made("checkpoint", "train.py", {"data": data})
    adopted = Record.model_validate(made("checkpoint", "adopt.py", {"original": clothes}))
    assert class_name(9, class_names(adopted)) == "Ankle boot"
    tuned = made("checkpoint", "train.py", {"data": data, "initial": checkpoint("trained")})
    assert class_name(9, class_names(Record.model_validate(tuned))) == "Ankle boot"
    own = made("checkpoint", "DDPMModel.save", {"initial": clothes})
    assert class_names(Record.model_validate(own)) == ()
    assert class_names(Record.model_validate(checkpoint())) == ()
    assert class_name(9) == "class 9" and class_name(-1, DIGITS) == "no class"


def test_classes_of_pictures_are_called_as_their_folders(tmp_path):
    """Money signs begin no formula, and what the font has no letters for keeps its number."""
    path, entry = tmp_path / "ddim_samples.npz", {**ENTRIES["ddim"], "labels": [0, 1, 2, 3]}
    record = drawn(path.name, "ddim", entry, "trained")
    data = record["inputs"]["checkpoint"]["provenance"]["inputs"]["data"]["provenance"]
    data["classes"] = ["5$", "big dogs", "5$ or 6$", "\u732b"]
    save_arrays(path, {"images": images(4)}, record)
    figure = draw("samples", [path])
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert {r"5\$", "big dogs", r"5\$ or 6\$", "class 3"} <= set(texts)
    assert r"classes 5\$ to 3" in said(figure)[0].replace("\n", " ")


@pytest.mark.parametrize(
    ("n", "labels", "rows", "columns", "shown"),
    [
        (10, [0, 1, 2], ["0", "1", "2"], ["0 to 2", "3 to 5", "6 to 8", "9"], [4, 3, 3]),
        (6, [8, 3], ["8", "3"], ["0 to 1", "2 to 3", "4 to 5"], [3, 3]),
        (2, [5, 6, 7], ["5", "6"], ["0 to 1"], [1, 1]),
        (6, [1, 1, 4], ["1", "4"], [""] * 4, [4, 2]),
        (70, list(range(10)), list(DIGITS), None, [6] * 10),
    ],
    ids=str,
)
def test_several_classes_are_rows(tmp_path, n, labels, rows, columns, shown):
    """Each image lies in the row of its class: its first pixel says which sample it is."""
    figure = draw("samples", samples_file(tmp_path, n, weights="trained", labels=labels))
    (axes,) = figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert [text for text in texts if text in rows] == rows
    assert columns is None or [text for text in texts if text not in rows] == [
        *filter(None, columns)
    ]
    heights = [round(image.get_extent()[3], 3) for image in axes.images]
    assert [heights.count(height) for height in sorted(set(heights))] == shown
    total = sum(shown)
    firsts = images(n)[:total, 0, 0, 0]
    expected = [
        i
        for label in dict.fromkeys(labels)
        for i in range(total)
        if labels[i % len(labels)] == label
    ]
    drawn_firsts = [image.get_array()[0, 0, 0] / 127.5 - 1 for image in axes.images]
    np.testing.assert_allclose(drawn_firsts, firsts[expected], atol=0.01)
    assert ("the first 60 of 70 samples" in said(figure)[1]) == (n == 70)


@pytest.mark.parametrize(
    ("labels", "words"), [([7], "class 7"), ("random", "classes at random")], ids=str
)
def test_one_class_and_any_are_a_grid(tmp_path, labels, words):
    figure = draw("samples", samples_file(tmp_path, 5, weights="trained", labels=labels))
    assert f"DDIM, 20 steps, {words}" in said(figure)[0]
    assert [text.get_text() for text in figure.axes[0].texts] == list("01234")
