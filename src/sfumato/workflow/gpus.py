"""GPUs for each of several jobs on one machine: none sees those of another.

With `--resources gpu=4` four jobs that compute run at a time. Each takes a part of the GPUs, the
only ones that CUDA then shows it, by CUDA_VISIBLE_DEVICES. A part is taken with a lock that the
kernel drops when the job ends in any way; a second workflow of the same user finds it locked, too.
"""

import fcntl
import os
import tempfile
from pathlib import Path

JOBS = "SFUMATO_GPU_JOBS"
"""Environment variable: how many jobs of the workflow use the GPUs of this machine at a time."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
DRIVER = Path("/proc/driver/nvidia/gpus")
_held: list[int] = []  # locks, until this process ends


def take_gpus() -> None:
    """Take a part of the GPUs for this process, before jax looks for any; keep the rest out of it.

    Nothing changes with one job at a time, or with fewer GPUs than jobs, which then share them; nor
    where every part is taken.
    """
    gpus, jobs = _gpus(), int(os.environ.get(JOBS, "1"))
    share = len(gpus) // jobs if jobs > 1 else 0
    for first in range(0, share * jobs, share or 1):
        part = gpus[first : first + share]
        if _lock(part[0]):
            os.environ[VISIBLE] = ",".join(part)
            return


def _gpus() -> list[str]:
    """Return the GPUs that this process may use, by number or by name."""
    if VISIBLE in os.environ:
        return [name for name in os.environ[VISIBLE].split(",") if name.strip()]
    return [str(i) for i in range(len(list(DRIVER.iterdir())))] if DRIVER.is_dir() else []


def _lock(gpu: str) -> bool:
    """Lock a GPU among the processes of this user, unless another has; tell whether it is ours."""
    folder = Path(tempfile.gettempdir()) / f"sfumato-gpus-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        file = os.open(folder / gpu.replace("/", "_"), os.O_CREAT | os.O_RDWR, 0o600)
    except OSError:  # no room for locks: all GPUs are shared
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        return False
    _held.append(file)
    return True
