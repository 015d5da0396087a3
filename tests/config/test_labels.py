"""Which classes an entry asks for, and what does not fit the network."""

import pytest

from sfumato.config.labels import in_turn
from sfumato.config.resolve import resolve
from sfumato.config.samples import SampleConfig
from sfumato.errors import InputError


def labels_of(labels, classes=10, **more):
    """Return the labels of an entry of an experiment whose network knows so many classes."""
    entry = {"sampler": "ddim", "labels": labels}
    settings = {"model": {"num_classes": classes}, "samples": {"mine": entry}, **more}
    return (
        resolve({"targets": ["a"], "experiments": {"a": settings}})[1]["a"].samples["mine"].labels
    )


@pytest.mark.parametrize(
    ("given", "labels"),
    [
        ("random", "random"),
        (7, (7,)),
        ([7], (7,)),
        ([0, 1, 2], (0, 1, 2)),
        (-1, (-1,)),
        ([3, -1], (3, -1)),
        (None, None),
    ],
    ids=str,
)
def test_labels(given, labels):
    assert labels_of(given) == labels


def test_a_record_says_them_as_a_config_does():
    entry = SampleConfig.model_validate({"sampler": "ddim", "labels": 7})
    said = entry.model_dump(mode="json")
    assert said["labels"] == [7]
    assert SampleConfig.model_validate(said) == entry


def test_samples_take_them_in_turn_wherever_a_shard_begins():
    assert in_turn([4, 5, 6], range(7)) == [4, 5, 6, 4, 5, 6, 4]
    assert in_turn([4, 5, 6], range(5, 7)) == [6, 4]
    assert in_turn([9], range(2, 4)) == [9, 9]


@pytest.mark.parametrize(
    ("labels", "classes", "said"),
    [
        (10, 10, "10 must be at most 9: model.num_classes is 10"),
        ([3, 12, 4], 10, "12 must be at most 9: model.num_classes is 10"),
        (7, 0, "7 needs a network that knows classes; set model.num_classes"),
        ("random", 0, "random needs a network that knows classes; set model.num_classes"),
        ([1, 2], 0, "[1, 2] needs a network that knows classes; set model.num_classes"),
        (-2, 10, "-2 must be numbers of classes, from 0 up; -1 is no class"),
        ([], 10, "[] needs at least 1 label; null asks for no class"),
        *(
            (wrong, 10, "must be the number of a class, a list of such numbers, or null")
            for wrong in (True, 1.5, "seven", [1, "2"], [[1]], {"a": 1}, [None])
        ),
    ],
    ids=str,
)
def test_labels_that_cannot_be(labels, classes, said):
    with pytest.raises(InputError) as caught:
        labels_of(labels, classes)
    assert str(caught.value).startswith("experiments.a.samples.mine.labels: ")
    assert str(caught.value).endswith(said)
    assert "\n" not in str(caught.value)


def test_a_sweep_over_labels_is_checked_as_an_entry():
    from sfumato.config.checks import check_evaluation

    runs = [{"of": "mine", "over": {"labels": [3, 10]}}]
    settings = {
        "model": {"num_classes": 10},
        "samples": {"mine": {"sampler": "ddim"}},
        "evaluation": {"runs": runs},
    }
    experiment = resolve({"targets": ["a"], "experiments": {"a": settings}})[1]["a"]
    assert [run.labels for run in experiment.runs.values()] == [(3,), (10,)]
    with pytest.raises(InputError) as caught:
        check_evaluation(experiment, "experiments.a")
    said = "experiments.a.evaluation.runs[0].over.labels: 10 must be at most 9: model.num_classes"
    assert str(caught.value).startswith(said)
