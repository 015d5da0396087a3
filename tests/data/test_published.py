"""Images as they are published: IDX files, and servers that misbehave."""

import gzip
import hashlib
import signal
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from sfumato.data import download, idx
from sfumato.data.download import fetch_idx
from sfumato.data.idx import load_idx, read_idx
from sfumato.errors import InputError

DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def one_sentence(error):
    """Return the text of an error, which is one line with no trace of the machinery."""
    text = str(error.value)
    assert "\n" not in text and "0x7f" not in text and "Traceback" not in text
    return text


def idx_bytes(array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


@pytest.fixture
def arrays(monkeypatch):
    """Return a dataset of five and three images, and let it be what mnist is."""
    rng = np.random.default_rng(0)
    shapes = {"train_images": (5, 28, 28), "test_images": (3, 28, 28)}
    shapes |= {"train_labels": (5,), "test_labels": (3,)}
    for key, shape in shapes.items():
        monkeypatch.setitem(idx.FILES, key, (idx.FILES[key][0], shape))
    monkeypatch.setitem(idx.CONTENTS, "mnist", {})
    return {
        key: rng.integers(0, 10 if "labels" in key else 256, shape, np.uint8)
        for key, shape in shapes.items()
    }


@pytest.fixture
def files(arrays):
    """Return the dataset as gzipped files: name -> bytes."""
    return {
        f"{idx.FILES[key][0]}.gz": gzip.compress(idx_bytes(array), mtime=0)
        for key, array in arrays.items()
    }


# IDX files


@pytest.mark.parametrize("shape", [(2, 3, 4), (5,), (0, 28, 28)])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_idx_file_is_its_array(tmp_path, shape, pack):
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    (tmp_path / "a").write_bytes(pack(idx_bytes(array)))
    read = read_idx(tmp_path / "a")
    assert read.dtype == np.uint8 and read.shape == shape
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_every_prefix_and_every_longer_file_is_refused(tmp_path, pack):
    path, whole = tmp_path / "a", pack(idx_bytes(np.ones((2, 3), np.uint8)))
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="not a whole IDX file") as error:
            read_idx(path)
        assert str(path) in one_sentence(error)
    path.write_bytes(whole + b"x")
    with pytest.raises(InputError, match="not a whole IDX file"):
        read_idx(path)


def test_any_flipped_bit_of_the_header_is_a_sentence(tmp_path):
    path, whole = tmp_path / "a", idx_bytes(np.ones((2, 3), np.uint8))
    for i in range(8 * 12):
        flipped = bytearray(whole)
        flipped[i // 8] ^= 1 << i % 8
        path.write_bytes(flipped)
        with pytest.raises(InputError, match="not a whole IDX file"):
            read_idx(path)


def test_any_flipped_byte_of_a_gzip_file_is_a_sentence_or_does_no_harm(tmp_path):
    array = np.arange(200, dtype=np.uint8)
    path, whole = tmp_path / "a", gzip.compress(idx_bytes(array))
    for i in range(len(whole)):
        path.write_bytes(whole[:i] + bytes([whole[i] ^ 0xFF]) + whole[i + 1 :])
        try:
            np.testing.assert_array_equal(read_idx(path), array)
        except InputError:
            continue


def test_other_types_and_missing_files(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(struct.pack(">HBBI3f", 0, 0x0D, 1, 3, 1, 2, 3))
    with pytest.raises(InputError, match="of type 0x0d, not 0x08"):
        read_idx(path)
    with pytest.raises(InputError, match="no such file"):
        read_idx(tmp_path / "none")
    with pytest.raises(InputError, match="not a whole IDX file"):
        read_idx(tmp_path)


def test_a_header_that_lies_costs_no_memory(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes([0, 0, 8, 3]) + b"\xff\xff\xff\xff" * 3)
    tracemalloc.start()
    with pytest.raises(InputError, match="more than 268,435,456"):
        read_idx(path)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


@pytest.mark.parametrize("dotted", [False, True])
@pytest.mark.parametrize("packed", [False, True])
def test_a_folder_in_each_spelling(tmp_path, arrays, files, dotted, packed):
    for name, content in files.items():
        name = name.replace("-idx", ".idx") if dotted else name
        name, content = (name, content) if packed else (name[:-3], gzip.decompress(content))
        (tmp_path / name).write_bytes(content)
    loaded = load_idx(tmp_path, "mnist")
    assert loaded.keys() == arrays.keys()
    for key, array in arrays.items():
        np.testing.assert_array_equal(loaded[key], array)


def test_what_is_no_dataset_is_named(tmp_path, arrays, files):
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    labels = tmp_path / "t10k-labels-idx1-ubyte.gz"

    def refused(words):
        with pytest.raises(InputError, match=words) as error:
            load_idx(tmp_path, "mnist")
        return one_sentence(error)

    labels.write_bytes(idx_bytes(arrays["test_labels"][:2]))
    assert str(labels) in refused(r"\(2,\), not \(3,\)")
    labels.write_bytes(idx_bytes(np.array([1, 10, 2], np.uint8)))
    assert str(labels) in refused("a label in it is 10, more than 9")
    labels.write_bytes(idx_bytes(np.ones((3, 28, 28), np.uint8)))
    refused(r"\(3, 28, 28\), not \(3,\)")
    labels.unlink()
    text = refused("no t10k-labels-idx1-ubyte, with or without .gz")
    assert str(tmp_path) in text and "mnist" in text
    with pytest.raises(InputError, match="no train-images-idx3-ubyte"):
        load_idx(tmp_path / "none", "mnist")


def test_contents_count_and_not_how_they_were_packed(tmp_path, arrays, files, monkeypatch):
    known = {key: hashlib.sha256(idx_bytes(array)).hexdigest() for key, array in arrays.items()}
    monkeypatch.setitem(idx.CONTENTS, "mnist", known)
    for level, (name, content) in enumerate(files.items()):
        (tmp_path / name).write_bytes(gzip.compress(gzip.decompress(content), level, mtime=level))
    load_idx(tmp_path, "mnist")
    other = arrays["train_images"].copy()
    other[4, 27, 27] ^= 1
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(other)))
    with pytest.raises(InputError, match="its values are not") as error:
        load_idx(tmp_path, "mnist")
    assert "train-images" in one_sentence(error)


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_fashion_mnist_as_debian_packs_it():
    loaded = load_idx(DEBIAN, "fashion-mnist")
    assert loaded["train_images"].shape == (60_000, 28, 28)
    assert loaded["test_images"].shape == (10_000, 28, 28)
    assert np.bincount(loaded["train_labels"]).tolist() == [6000] * 10
    assert np.bincount(loaded["test_labels"]).tolist() == [1000] * 10
    with pytest.raises(InputError, match="not train-images-idx3-ubyte of mnist"):
        load_idx(DEBIAN, "mnist")


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="needs Debian's package dataset-fashion-mnist")
def test_the_files_that_are_served_are_those_that_debian_packs():
    """Debian took name and time out of the gzip headers: put them back, and the digests agree."""
    for name, published in download.DIGESTS["fashion-mnist"].items():
        packed = (DEBIAN / name).read_bytes()
        seconds = 1504176606 if "train" in name else 1504176627  # 31 August 2017
        header = b"\x1f\x8b\x08\x08" + struct.pack("<IBB", seconds, packed[8], 3)
        served = header + name.removesuffix(".gz").encode() + b"\0" + packed[10:]
        assert hashlib.sha256(served).hexdigest() == published


# Downloads


class Server(ThreadingHTTPServer):
    """A server on this machine that sends `files` in the way of `send`, and notes what is asked."""

    daemon_threads = True

    def __init__(self, files):  # noqa: D107
        super().__init__(("127.0.0.1", 0), Handler)
        self.files, self.send, self.asked = dict(files), whole, []
        self.closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/data"


class Handler(BaseHTTPRequestHandler):
    """Answers as its server says."""

    def do_GET(self):  # noqa: N802
        name = self.path.removeprefix("/data/")
        self.server.asked.append(name)
        if name not in self.server.files:
            return self.send_error(404)
        content = self.server.files[name]
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.server.send(self, content)

    def log_message(self, *_):
        pass


def whole(handler, content):
    handler.wfile.write(content)


def trickling(handler, content):
    for i in range(0, len(content), len(content) // 8):
        handler.wfile.write(content[i : i + len(content) // 8])
        handler.wfile.flush()
        time.sleep(0.05)


def stalling(handler, content):
    half(handler, content)
    handler.server.closing.wait(20)


def half(handler, content):
    handler.wfile.write(content[: len(content) // 2])
    handler.wfile.flush()


def half_at_first(handler, content):
    first = handler.server.asked.count(handler.server.asked[-1]) == 1
    (half if first else whole)(handler, content)


def wrong(handler, content):
    handler.wfile.write(content[:-1] + bytes([content[-1] ^ 1]))


@pytest.fixture
def server(files, monkeypatch):
    import pooch.core

    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    monkeypatch.setitem(download.DIGESTS, "mnist", digests)
    monkeypatch.setattr(download, "RETRIES", 1)
    monkeypatch.setattr(pooch.core, "time", SimpleNamespace(sleep=lambda _: None))  # at once
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server(files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


def refused(server, cache):
    """Return the sentence with which a download ends, and see that nothing was kept."""
    with pytest.raises(InputError) as error:
        fetch_idx("mnist", cache, server.url)
    assert not [path for path in cache.rglob("*") if path.is_file()]
    text = one_sentence(error)
    assert f"{server.url}/train-images-idx3-ubyte.gz" in text and "data.folder" in text
    return text


def works(server, cache, arrays):
    folder = fetch_idx("mnist", cache, server.url)
    assert sorted(path.name for path in folder.iterdir()) == sorted(server.files)
    loaded = load_idx(folder, "mnist")
    for key, array in arrays.items():
        np.testing.assert_array_equal(loaded[key], array)
    return folder


@pytest.mark.parametrize("send", [whole, trickling, half_at_first])
def test_a_download_that_works(tmp_path, server, arrays, capfd, send, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.3)  # of a silence; a file that trickles takes longer
    server.send = send
    works(server, tmp_path / "a cache", arrays)
    assert len(server.asked) == (8 if send is half_at_first else 4)
    assert capfd.readouterr() == ("", "")


def test_what_is_whole_is_kept_and_what_is_damaged_comes_again(
    tmp_path, server, arrays, monkeypatch
):
    folder = works(server, tmp_path, arrays)
    monkeypatch.setitem(download.URLS, "mnist", server.url)
    assert fetch_idx("mnist", tmp_path) == folder
    assert len(server.asked) == 4
    server.asked.clear()
    damaged = folder / "t10k-images-idx3-ubyte.gz"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    works(server, tmp_path, arrays)
    assert sorted(server.asked) == ["t10k-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"]


@pytest.mark.parametrize(
    ("send", "reason"),
    [(stalling, "silent for 0.2 s"), (half, "broke off"), (wrong, "its sha256 differs")],
)
def test_a_download_that_fails_and_is_put_right(
    tmp_path, server, arrays, monkeypatch, send, reason
):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    server.send = send
    assert reason in refused(server, tmp_path)
    assert server.asked == ["train-images-idx3-ubyte.gz"] * 2  # it was tried again
    server.send = whole
    works(server, tmp_path, arrays)


def test_a_silent_server(tmp_path, server, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", 0.2)
    monkeypatch.setattr(Handler, "do_GET", lambda handler: handler.server.closing.wait(20))
    assert "no answer within 0.2 s" in refused(server, tmp_path)


def test_no_such_file_no_server_no_url(tmp_path, server):
    server.files.clear()
    assert "the server said 404 Not Found" in refused(server, tmp_path)
    server.server_close()
    assert "there was no connection" in refused(server, tmp_path)
    server.url = "nowhere"
    assert "No scheme supplied" in refused(server, tmp_path)


def test_a_cache_that_cannot_be_written(tmp_path, server):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="Not a directory|File exists") as error:
        fetch_idx("mnist", tmp_path / "file", server.url)
    assert "data.folder" in one_sentence(error)


def test_two_at_once(tmp_path, server, arrays):
    server.send = trickling
    with ThreadPoolExecutor(2) as both:
        list(both.map(lambda _: fetch_idx("mnist", tmp_path, server.url), range(2)))
    works(server, tmp_path, arrays)


def test_a_killed_download_leaves_nothing_that_is_taken_for_whole(tmp_path, server, arrays):
    server.send = stalling
    code = (
        "import sys; from pathlib import Path; from sfumato.data import download;"
        "download.fetch_idx('mnist', Path(sys.argv[1]), sys.argv[2])"
    )
    job = subprocess.Popen([sys.executable, "-c", code, str(tmp_path), server.url])
    while not server.asked and job.poll() is None:
        time.sleep(0.02)
    job.kill()
    assert job.wait() == -signal.SIGKILL
    server.send = whole
    folder = fetch_idx("mnist", tmp_path, server.url)
    for name, content in server.files.items():
        assert (folder / name).read_bytes() == content


def test_the_published_files_are_named_alike_everywhere():
    names = {f"{name}.gz" for name, _ in idx.FILES.values()}
    for dataset in ("mnist", "fashion-mnist"):
        assert download.DIGESTS[dataset].keys() == names
        assert idx.CONTENTS[dataset].keys() == idx.FILES.keys()
        digests = [*download.DIGESTS[dataset].values(), *idx.CONTENTS[dataset].values()]
        assert len(set(digests)) == 8 and {len(digest) for digest in digests} == {64}


def test_nothing_heavy_is_imported():
    code = (
        "import sys, sfumato.data.download, sfumato.data.folders;"
        "print(*{'jax', 'pooch', 'requests'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
