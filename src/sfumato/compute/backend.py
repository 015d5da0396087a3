"""What jax computes on."""

import os
import platform
from contextlib import suppress
from pathlib import Path

import jax

PARTITIONABLE, PRECISION = "jax_threefry_partitionable", "jax_default_matmul_precision"
PLATFORMS = "jax_platforms"
HOST_DEVICES = "xla_force_host_platform_device_count"
_UNRECORDED = ("--xla_dump", "--xla_gpu_cuda_data_dir", "--xla_gpu_dump")
_CPU_FEATURES = ("avx512f", "avx2", "avx", "sse4_2")
"""They decide which kernels a processor runs, and so the last bits of a sum."""


def spread_over_cores(devices: int | None = None) -> None:
    """Let jax see each processor core of this process as a device, unless the user says how many.

    XLA shares the work of one image among cores badly, and that of several images well: two devices
    with a micro-batch each take half the time of one device with both. This must come before the
    first use of jax; where jax is already in use, nothing changes.

    Args:
        devices: how many, whatever the number of cores.
    """
    if HOST_DEVICES not in os.environ.get("XLA_FLAGS", ""):
        with suppress(RuntimeError):
            jax.config.update("jax_num_cpu_devices", devices or _cores())


def describe() -> dict[str, str]:
    """Return what decides the last bits of a result, for the provenance.

    The backend, the kind of device, the precision of its products, how random bits are made, and
    the flags of XLA, if there are any that could matter.
    """
    backend, flags = jax.default_backend(), xla_flags(os.environ.get("XLA_FLAGS", ""))
    partitionable = getattr(jax.config, PARTITIONABLE)
    return {
        "backend": backend,
        "kind": _processor() if backend == "cpu" else jax.local_devices()[0].device_kind,
        "precision": getattr(jax.config, PRECISION) or "default",
        "random": f"threefry2x32, {'' if partitionable else 'not '}partitionable",
        **({"xla_flags": flags} if flags else {}),
    }


def missing_device() -> str:
    """Return a sentence if jax finds no device of the platform that it was told to use, or ""."""
    asked = getattr(jax.config, PLATFORMS) or os.environ.get("JAX_PLATFORM_NAME", "")
    try:
        jax.default_backend()
    except (AssertionError, RuntimeError) as error:
        reason = f": {str(error).splitlines()[0]}" if str(error) else ""
        return (
            f"JAX_PLATFORMS={asked}: jax finds no such device{reason}; unset JAX_PLATFORMS, or "
            "set it to cpu"
        )
    return ""


def xla_flags(text: str) -> str:
    """Return those flags of an XLA_FLAGS that could decide a bit, sorted, without any path.

    Left out are the number of a CPU's devices, which `scripts` take away, and what is dumped
    where. XLA_FLAGS may name a file that holds the flags.
    """
    if text and not text.startswith("-"):
        try:
            text = Path(text).read_text(encoding="utf-8")
        except OSError:
            return ""
    flags = [flag.partition("=") for flag in text.split()]
    return " ".join(
        sorted(
            name if "/" in value else name + equals + value
            for name, equals, value in flags
            if HOST_DEVICES not in name and not name.startswith(_UNRECORDED)
        )
    )


def _cores() -> int:
    """Return how many cores this process may use: on a cluster's node fewer than it has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _processor() -> str:
    """Return the architecture, and where Linux tells, the widest vectors: `x86_64 avx2`."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        flags = set()
    widest = [feature for feature in _CPU_FEATURES if feature in flags][:1]
    return " ".join([platform.machine(), *widest])
