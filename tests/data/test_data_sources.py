"""The images from IDX files, from a server and from a folder of pictures, as training gets them."""

import gzip
import hashlib
import importlib
import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image

from sfumato.config.data import DataConfig, LoadedConfig
from sfumato.config.resolve import resolve
from sfumato.data import download, idx
from sfumato.data.images import load_images
from sfumato.errors import InputError
from sfumato.records.opening import open_record

prepare_data = importlib.import_module("prepare_data")
SHAPE = (28, 28, 1)
DATASETS = ["mnist", "fashion-mnist"]
N_TRAIN, N_TEST = 60, 40
"""Of the small dataset that stands for MNIST: six and four images of each class."""


def idx_file(array):
    """Return gzipped IDX: two zeros, 8 for bytes, the number of axes, their lengths, the values."""
    lengths = b"".join(n.to_bytes(4, "big") for n in array.shape)
    return gzip.compress(bytes([0, 0, 8, array.ndim]) + lengths + array.tobytes(), mtime=0)


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Write a small dataset into a folder, and let it be what was published.

    Image i, of all 100, has the value i at its first pixel, and the greys 0 and 255 elsewhere.
    """
    rng = np.random.default_rng(0)
    images = rng.choice(np.array([0, 255], np.uint8), (N_TRAIN + N_TEST, 28, 28))
    images[:, 0, 0] = np.arange(len(images))
    labels = {"train": rng.permutation(N_TRAIN) % 10, "test": rng.permutation(N_TEST) % 10}
    arrays = {"train_images": images[:N_TRAIN], "test_images": images[N_TRAIN:]}
    arrays |= {f"{split}_labels": array.astype(np.uint8) for split, array in labels.items()}
    folder, digests = tmp_path / "the files", {}
    folder.mkdir()
    for key, array in arrays.items():
        name = idx.FILES[key][0]
        monkeypatch.setitem(idx.FILES, key, (name, array.shape))
        (folder / f"{name}.gz").write_bytes(idx_file(array))
        digests[f"{name}.gz"] = hashlib.sha256(idx_file(array)).hexdigest()
    for dataset in DATASETS:
        monkeypatch.setitem(idx.CONTENTS, dataset, {})
        monkeypatch.setitem(download.DIGESTS, dataset, digests)
    return folder, arrays


def indices(images):
    """Tell which images these are, by their first pixel."""
    return np.round((images[:, 0, 0, 0] + 1) * 127.5).astype(int)


@pytest.mark.parametrize("source", DATASETS)
def test_the_split_of_the_publishers_is_kept(source, published):
    folder, arrays = published
    config = DataConfig(source=source, folder=str(folder), n_images=100, n_test=40)
    loaded = load_images(config, SHAPE)
    assert sorted(indices(loaded["train_images"])) == list(range(N_TRAIN))
    assert sorted(indices(loaded["test_images"])) == list(range(N_TRAIN, N_TRAIN + N_TEST))
    for split, first in (("train", 0), ("test", N_TRAIN)):
        images, labels = loaded[f"{split}_images"], loaded[f"{split}_labels"]
        assert images.dtype == np.float32 and labels.dtype == np.int32
        assert images.min() == -1 and images.max() == 1
        places = indices(images) - first
        assert labels.tolist() == arrays[f"{split}_labels"][places].tolist()
        greys = (images[..., 0].astype(np.float64) + 1) * 127.5
        np.testing.assert_allclose(greys, arrays[f"{split}_images"][places], atol=1e-4)


@pytest.mark.parametrize(("n_images", "n_test"), [(100, 40), (37, 13), (60, 20)])
def test_classes_come_in_turn_in_both_parts(n_images, n_test, published):
    config = DataConfig(source="mnist", folder=str(published[0]), n_images=n_images, n_test=n_test)
    loaded = load_images(config, SHAPE)
    assert loaded["train_labels"].tolist() == [i % 10 for i in range(n_images - n_test)]
    assert loaded["test_labels"].tolist() == [i % 10 for i in range(n_test)]
    assert (indices(loaded["train_images"]) < N_TRAIN).all()
    assert (indices(loaded["test_images"]) >= N_TRAIN).all()


@pytest.mark.parametrize("shape", [(32, 32, 3), (14, 20, 1), (28, 28, 2)])
def test_other_sizes_and_channels(shape, published):
    config = DataConfig(source="mnist", folder=str(published[0]), n_images=20, n_test=10)
    loaded, plain = load_images(config, shape), load_images(config, SHAPE)
    for name in ("train_images", "test_images"):
        images = loaded[name]
        assert images.shape == (10, *shape) and np.abs(images).max() <= 1
        for channel in range(1, shape[2]):
            np.testing.assert_array_equal(images[..., channel], images[..., 0])
        means = images.mean((1, 2, 3)), plain[name].mean((1, 2, 3))
        np.testing.assert_allclose(*means, atol=0.05)  # resizing keeps the ink


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder, and notes what was asked."""

    asked = []

    def log_message(self, *_):
        self.asked.append(self.path)


@pytest.fixture
def served(published, monkeypatch):
    """Return the address of a server on this machine that has the files."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(Quiet, "asked", [])
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=published[0].parent))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/the%20files"
    server.shutdown()
    thread.join()
    server.server_close()


def test_what_a_server_has_is_what_the_folder_has(published, served, tmp_path):
    config = {"source": "fashion-mnist", "n_images": 50, "n_test": 20}
    from_folder = load_images(DataConfig(**config, folder=str(published[0])), SHAPE)
    assert not Quiet.asked
    for _ in range(2):  # the second time nothing is asked for again
        loaded = load_images(DataConfig(**config, url=served), SHAPE, cache=tmp_path / "cache")
        assert len(Quiet.asked) == 4
        for name, array in from_folder.items():
            np.testing.assert_array_equal(loaded[name], array)
    assert len(list((tmp_path / "cache" / "fashion-mnist").iterdir())) == 4


def test_what_is_not_in_the_folder_comes_from_the_cache_or_the_server(published, served, tmp_path):
    config = DataConfig(source="mnist", folder=str(tmp_path / "none"), url=served, n_images=50)
    for _ in range(2):
        loaded = load_images(config, SHAPE, cache=tmp_path / "cache")
        assert len(Quiet.asked) == 4 and len(loaded["test_images"]) == 5
    for path in published[0].iterdir():
        path.rename(path.with_name(path.name.replace("-idx", ".idx")))
    load_images(config.model_copy(update={"folder": str(published[0])}), SHAPE)
    assert len(Quiet.asked) == 4


def test_the_script_keeps_what_it_downloads_where_it_is_told(served, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = {"source": "mnist", "n_images": 30, "n_test": 10}
    settings = json.dumps({"data": data, "model": {"input_dim": [8, 8, 3]}})
    words = ["--config", settings, "--cache", "kept", "--url", served, "--output", "mine/data.npz"]
    before = {path.name for path in tmp_path.iterdir()}
    prepare_data.main(words)
    assert {path.name for path in tmp_path.iterdir()} - before == {"kept", "mine"}
    assert len(list((tmp_path / "kept").rglob("*.gz"))) == 4
    opened = open_record(tmp_path / "mine" / "data.npz")
    arrays, record = opened.read(), opened.record
    assert arrays["train_images"].shape == (20, 8, 8, 3)
    assert arrays["test_labels"].tolist() == list(range(10))
    assert record.settings["data"] == LoadedConfig(**data).model_dump()
    assert str(tmp_path) not in str(record) and "http" not in str(record)


def test_files_of_another_set_get_a_sentence(published, tmp_path, monkeypatch):
    labels = next(published[0].glob("t10k-labels*"))
    labels.write_bytes(idx_file(np.zeros(N_TEST - 1, np.uint8)))
    data = {"source": "mnist", "n_images": 30, "n_test": 10}
    words = ["--config", json.dumps({"data": data, "model": {}}), "--output", str(tmp_path / "a")]
    words += ["--folder", str(published[0])]
    with pytest.raises(SystemExit, match="^error: .*this is not t10k-labels-idx1-ubyte of mnist"):
        prepare_data.main(words)
    assert not (tmp_path / "a").exists()


# Pictures


def write_pictures(folder, count, first=0):
    """Write pictures of one colour, whose red and green say the number of each."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(first, first + count):
        Image.new("RGB", (2, 2), (i // 256, i % 256, 255 * (i % 2))).save(folder / f"{i:05}.png")


def test_the_record_of_pictures_has_the_names_of_their_classes(tmp_path, capfd):
    for name in ("dogs", "cats"):
        write_pictures(tmp_path / "set" / name, 3)
    words = ["--config", '{"data": {"source": "images"}, "model": {"input_dim": [2, 2, 3]}}']
    words += ["--folder", str(tmp_path / "set"), "--output", str(tmp_path / "data.npz")]
    prepare_data.main(words)
    assert open_record(tmp_path / "data.npz").record.classes == ["cats", "dogs"]
    assert "class 0 is cats, 3; class 1 is dogs, 3" in capfd.readouterr().err


def numbers(images):
    """Tell the numbers of the pictures."""
    levels = np.round((images[:, 0, 0].astype(np.float64) + 1) * 127.5).astype(int)
    return levels[:, 0] * 256 + levels[:, 1]


def pictures(folder, n_images, n_test, shape=(2, 2, 3), **settings):
    config = DataConfig(
        source="images", folder=str(folder), n_images=n_images, n_test=n_test, **settings
    )
    return load_images(config, shape)


def test_every_part_of_unlabelled_pictures_is_spread_over_all(tmp_path):
    """Any run of n in the order has, of each tenth of the pictures, n / 10 and at most 2 off."""
    write_pictures(tmp_path, 1000)
    loaded = pictures(tmp_path, 1000, 300)
    order = np.concatenate([numbers(loaded["train_images"]), numbers(loaded["test_images"])])
    assert sorted(order) == list(range(1000)) and set(loaded["train_labels"]) == {-1}
    for n in (20, 50, 100, 300):
        for start in range(0, 1000 - n + 1, 10):
            counts = np.histogram(order[start : start + n], bins=10, range=(0, 1000))[0]
            assert np.abs(counts - n / 10).max() <= 2
    fewer = pictures(tmp_path, 120, 20)
    assert numbers(fewer["train_images"]).tolist() == order[:100].tolist()
    assert numbers(fewer["test_images"]).tolist() == order[100:120].tolist()


def test_classes_of_pictures_come_in_proportion(tmp_path):
    """Three folders of 5, 3 and 4: each class is spread evenly over all."""
    for name, count, first in (("b", 3, 100), ("a", 5, 0), ("c", 4, 200)):
        write_pictures(tmp_path / name, count, first)
    loaded = pictures(tmp_path, 12, 4)
    labels = [*loaded["train_labels"], *loaded["test_labels"]]
    assert labels == [0, 2, 1, 0, 2, 0, 1, 2, 0, 1, 2, 0]
    found = numbers(np.concatenate([loaded["train_images"], loaded["test_images"]]))
    assert (found // 100).tolist() == labels and len(set(found)) == 12


def test_pictures_are_scaled_and_fitted(tmp_path):
    write_pictures(tmp_path, 6)
    loaded = pictures(tmp_path, 6, 2, shape=(4, 6, 3), fit="pad")["train_images"]
    assert loaded.shape == (4, 4, 6, 3) and loaded.dtype == np.float32
    assert (loaded[:, :, [0, 5]] == -1).all()  # two columns of black for pictures that are square
    assert set(np.unique(loaded[:, :, 1:5, 2])) == {-1, 1}
    grey = pictures(tmp_path, 6, 2, shape=(3, 5, 1), fit="stretch")["test_images"]
    assert grey.shape == (2, 3, 5, 1) and np.abs(grey).max() <= 1


def test_too_few_pictures_get_a_sentence(tmp_path):
    write_pictures(tmp_path, 5)
    with pytest.raises(InputError) as error:
        pictures(tmp_path, 6, 2)
    assert str(error.value) == "data.n_images: 6 must be at most 5, as many as there are"
    assert len(pictures(tmp_path, 5, 2)["train_images"]) == 3


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            {"source": "mnist", "n_images": 70_001},
            "data.n_images: 70001 must be at most 70000, the size of mnist",
        ),
        (
            {"source": "fashion-mnist", "n_images": 70_000, "n_test": 10_001},
            "data.n_test: 10001 must be at most 10000: fashion-mnist has no more",
        ),
        (
            {"source": "mnist", "n_images": 60_501, "n_test": 500},
            "data.n_test: 500 leaves 60001 images to train on: mnist has 60000",
        ),
        ({"n_images": 5001}, "data.n_images: 5001 must be at most 5000, the size of mnist-5k"),
        (
            {"source": "images", "folder": "a", "n_images": 9, "n_test": 9},
            "data.n_test: 9 must be less than n_images (9)",
        ),
        (
            {"source": "images"},
            "data.folder: null must name the folder of the pictures, for the source images",
        ),
        ({"source": "images", "folder": ""}, "data.folder: '' must be text that is not empty"),
        ({"source": "minst"}, "data.source: 'minst' must be one of 'mnist-5k', 'mnist'"),
        ({"fit": "cut"}, "data.fit: 'cut' must be one of 'crop', 'pad' or 'stretch'"),
    ],
)
def test_settings_that_do_not_go_together(data, said):
    with pytest.raises(InputError) as error:
        resolve({"targets": ["a"], "experiments": {"a": {"data": data}}})
    assert str(error.value).startswith(f"experiments.a.{said}") and "\n" not in str(error.value)
    section = {key: value for key, value in data.items() if key != "folder"}
    words = ["--config", json.dumps({"data": section, "model": {}}), "--output", "none/data.npz"]
    with pytest.raises(SystemExit) as ended:
        prepare_data.main([*words, *(f"--{key}={data[key]}" for key in data if key == "folder")])
    assert str(ended.value).startswith(f"error: {said}")


def test_the_whole_of_a_published_set_may_be_asked_for():
    for source in DATASETS:
        assert DataConfig(source=source, n_images=70_000, n_test=10_000).n_test == 10_000
        assert DataConfig(source=source, n_images=60_500, n_test=500).n_images == 60_500
    assert DataConfig(source="images", folder="a", n_images=100_000).n_images == 100_000
