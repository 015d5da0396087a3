"""The seed's demo on Artifex, from nothing: what its four figures need, without drawing them.

It prints a line of JSON: the seconds of each part. The trajectory's step is compiled, which the
demo's own loop in Python does not say.
"""

import json
from time import perf_counter

KEPT = 200  # steps between two states of the trajectory


def main() -> None:
    """Run the parts one after another; what it imports takes time too."""
    seconds, clock = {}, perf_counter()

    import jax
    import jax.numpy as jnp
    from artifex_model import model
    from flax import nnx
    from sizes import BATCH, NOISE_STEPS, SIDE

    def lap(name: str, result: object) -> None:
        nonlocal clock
        jax.block_until_ready(result)
        seconds[name], clock = perf_counter() - clock, perf_counter()

    network, rngs = model(), nnx.Rngs(1)
    lap("imports and model", nnx.state(network))
    image = jax.random.normal(jax.random.key(0), (1, SIDE, SIDE, 1))
    times = jnp.array([0, 250, 500, 750, 999])
    lap("forward diffusion", network.forward_diffusion(image.repeat(5, axis=0), times))
    lap("DDPM", network.sample(n_samples_or_shape=BATCH, scheduler="ddpm", rngs=rngs))
    lap("DDIM", network.sample(n_samples_or_shape=BATCH, scheduler="ddim", steps=50, rngs=rngs))

    @nnx.jit
    def step(network: nnx.Module, x: jax.Array, t: jax.Array) -> jax.Array:
        return network.denoise_step(x, t, network(x, t)["predicted_noise"])

    states = []
    for t in range(NOISE_STEPS - 1, -1, -1):
        image = step(network, image, jnp.full(1, t))
        if t % KEPT == 0:
            states.append(image)
    lap("trajectory", states)
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()
