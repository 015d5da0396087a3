"""Download the files of MNIST and Fashion-MNIST, each checked against its published sha256."""

from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from sfumato.config.paths import shown
from sfumato.data.idx import PublishedSet
from sfumato.errors import InputError

if TYPE_CHECKING:
    from pooch import Pooch

URLS: dict[PublishedSet, str] = {
    "mnist": "https://ossci-datasets.s3.amazonaws.com/mnist/",
    "fashion-mnist": "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
}

DIGESTS: dict[PublishedSet, dict[str, str]] = {
    "mnist": {
        "train-images-idx3-ubyte.gz": (
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
        ),
        "train-labels-idx1-ubyte.gz": (
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
        ),
    },
    "fashion-mnist": {
        "train-images-idx3-ubyte.gz": (
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
        ),
        "train-labels-idx1-ubyte.gz": (
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
        ),
        "t10k-images-idx3-ubyte.gz": (
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
        ),
        "t10k-labels-idx1-ubyte.gz": (
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
        ),
    },
}
"""The sha256 of the files as they are served."""

RETRIES = 3
TIMEOUT = 20.0  # seconds without a byte, not seconds for a file


def fetch_idx(dataset: PublishedSet, cache_folder: str | Path, url: str | None = None) -> Path:
    """Download the files of a dataset that are missing or damaged, and return their folder.

    Args:
        dataset: which one.
        cache_folder: it has a folder for each dataset; intact files there are kept.
        url: of the folder of the files at another server; the digests stay the published ones.

    Raises:
        InputError: if a file is still missing or damaged after the retries, or cannot be saved.
    """
    cache_folder = Path(cache_folder)
    import pooch

    pooch.get_logger().setLevel("WARNING")  # else it reports each file on stderr
    store = pooch.create(
        path=cache_folder / dataset,
        base_url=(url or URLS[dataset]).rstrip("/") + "/",
        registry=DIGESTS[dataset],
        retry_if_failed=RETRIES,
    )
    for name in store.registry_files:
        failure = _fetch(store, name)
        if failure:
            raise InputError(
                f"{store.get_url(name)}: {failure}, or get the four files of {dataset} in another "
                "way and name their folder in data.folder"
            )
    return store.abspath


def _fetch(store: "Pooch", name: str) -> str | None:
    """Fetch a file unless it is there; return why that failed, or nothing.

    pooch writes beside the file, and renames what has the right digest. The error is not passed on,
    because it holds the connection open.
    """
    import pooch

    downloader = pooch.HTTPDownloader(timeout=TIMEOUT)
    try:
        store.fetch(name, downloader=downloader)  # type: ignore[arg-type]
    except (OSError, ValueError) as error:
        if _is_local(error):
            return (
                f"it cannot be saved in {shown(store.abspath)} ({error.strerror}); make room "
                "there, or change the permissions"
            )
        return f"the download failed ({_reason(error)}); try again later"


def _is_local(error: Exception) -> TypeGuard[OSError]:
    """Tell a file that cannot be written from an answer that does not come."""
    import requests

    return isinstance(error, OSError) and not isinstance(error, requests.RequestException)


def _reason(error: Exception) -> str:
    """Say briefly why a download failed; what requests says is a page long."""
    import requests

    match error:
        case requests.HTTPError(response=requests.Response() as answer):
            return f"the server said {answer.status_code} {answer.reason}"
        case requests.Timeout():
            return f"no answer within {TIMEOUT:g} s"
        case requests.ConnectionError() | requests.exceptions.ChunkedEncodingError():
            return f"there was no connection, or it broke off, or was silent for {TIMEOUT:g} s"
        case requests.RequestException() | OSError():
            return str(error)
        case _:
            return "what came is not the published file: its sha256 differs"
