"""The guidance of an entry: what it may be, and what does not fit the experiment."""

import pytest

from sfumato.config.resolve import resolve
from sfumato.errors import InputError
from sfumato.guidance.auto import Auto
from sfumato.guidance.classifier import Classifier
from sfumato.guidance.classifier_free import ClassifierFree


def guided(guidance, classes=10, base=None, **settings):
    """Return the entry of an experiment whose network knows so many classes."""
    entry = {"sampler": "ddim", "labels": 7, "guidance": guidance, **settings.pop("entry", {})}
    own = {"model": {"num_classes": classes}, "samples": {"mine": entry}, **settings}
    defaults = {"samples": {"mine": base}} if base else {}
    raw = {"targets": ["a"], "defaults": defaults, "experiments": {"a": own}}
    return resolve(raw)[1]["a"].samples["mine"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"scale": 3}, ClassifierFree(scale=3.0)),
        ({}, ClassifierFree()),
        (
            {"method": "classifier_free", "interval": [100, 800]},
            ClassifierFree(interval=(100, 800)),
        ),
        ({"scale": 2, "rescale": 0.7}, ClassifierFree(2.0, rescale=0.7)),
        ({"method": "classifier", "scale": 4}, Classifier(4.0)),
        ({"method": "auto", "checkpoint": "worse"}, Auto(checkpoint="worse")),
        (None, None),
    ],
    ids=str,
)
def test_guidance(given, expected):
    assert guided(given).guidance == expected


def test_it_is_laid_over_other_guidance():
    base = {"sampler": "ddim", "labels": 1, "guidance": {"scale": 2, "rescale": 0.5}}
    model = {"model": {"num_classes": 10}}

    def over(guidance):
        own = {"samples": {"mine": {"guidance": guidance}}}
        raw = {"targets": ["a"], "defaults": {"samples": {"mine": base}, **model}}
        return resolve(raw | {"experiments": {"a": own}})[1]["a"].samples["mine"].guidance

    assert over({"scale": 5}) == over({"method": "classifier_free", "scale": 5})
    assert over({"scale": 5}) == ClassifierFree(5.0, rescale=0.5)
    assert over({"method": "classifier"}) == Classifier()
    assert over(None) is None


@pytest.mark.parametrize(
    ("guidance", "settings", "said"),
    [
        ({"scale": -1}, {}, "guidance.scale: -1 must be at least 0"),
        ({"scale": "3"}, {}, "guidance.scale: '3' must be a number; write 3"),
        ({"scale": None}, {}, "guidance.scale: null must be a number"),
        ({"scael": 3}, {}, "guidance.scael: unknown key (its value: 3); did you mean 'scale'?"),
        ({"rescale": 1.5}, {}, "guidance.rescale: 1.5 must be at most 1 and at least 0"),
        ({"interval": [800, 100]}, {}, "guidance.interval: [800, 100] must be [first, last], and"),
        ({"interval": [-1, 100]}, {}, "guidance.interval[0]: -1 must be at least 0"),
        ({"interval": [0, 1000]}, {}, "guidance.interval: 1000 must be at most 999, the last of"),
        ({"interval": [5]}, {}, "guidance.interval[1]: is missing"),
        ({"interval": [1, 2, 3]}, {}, "guidance.interval: [1, 2, 3] takes at most 2 entries"),
        ({"interval": 5}, {}, "guidance.interval: 5 must be a list"),
        ({"method": "classifer"}, {}, "guidance.method: 'classifer' must be one of 'auto', 'cla"),
        (3, {}, "guidance: 3 must be a mapping of knobs, such as scale: 3, or null"),
        ({}, {"classes": 0, "entry": {"labels": None}}, "guidance: classifier_free needs a netw"),
        ({}, {"classes": 0}, "labels: 7 needs a network that knows classes; set model.num_classes"),
        ({}, {"entry": {"labels": None}}, "labels: null asks for no class, and classifier_free g"),
        ({}, {"entry": {"labels": 10}}, "labels: 10 must be at most 9: model.num_classes is 10"),
        (
            {"method": "classifier"},
            {"classes": 0, "entry": {"labels": 10}},
            "labels: 10 must be at most 9, the last class of the images",
        ),
        (
            {"method": "classifier"},
            {"classes": 0, "entry": {"labels": None}},
            "labels: null asks for no class, and classifier guidance needs one",
        ),
        (
            {"method": "classifier"},
            {"classes": 0, "data": {"source": "noise"}},
            "guidance: classifier needs images with classes, and data.source is noise",
        ),
    ],
    ids=str,
)
def test_guidance_that_cannot_be(guidance, settings, said):
    with pytest.raises(InputError) as caught:
        guided(guidance, **settings)
    assert str(caught.value).startswith(f"experiments.a.samples.mine.{said}")
    assert "\n" not in str(caught.value)


def test_a_classifier_guides_a_network_that_knows_no_classes():
    entry = guided({"method": "classifier", "scale": 2}, classes=0)
    assert (entry.labels, entry.guidance) == ((7,), Classifier(2.0))


def test_a_sweep_over_the_scale():
    settings = {
        "model": {"num_classes": 10},
        "samples": {"mine": {"sampler": "ddim", "labels": [0, 1]}},
        "evaluation": {"runs": [{"of": "mine", "over": {"guidance.scale": [1, 2.5]}}]},
    }
    runs = resolve({"targets": ["a"], "experiments": {"a": settings}})[1]["a"].runs
    assert {name: run.guidance for name, run in runs.items()} == {
        "mine_guidance.scale_1": ClassifierFree(1.0),
        "mine_guidance.scale_2.5": ClassifierFree(2.5),
    }
