"""What jax computes on, how it compiles, and which random key draws what."""
