"""What jax computes on."""

import jax


def describe() -> dict[str, str]:
    """Return backend, kind of device, and how random bits are made, for the provenance."""
    return {
        "backend": jax.default_backend(),
        "kind": jax.local_devices()[0].device_kind,
        "random": "threefry2x32, partitionable"
        if jax.config.jax_threefry_partitionable
        else "threefry2x32, not partitionable",
    }
