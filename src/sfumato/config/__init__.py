"""What a config may say: one section a file; nothing here imports jax.

`experiment` puts the sections together, `resolve` fills and checks them.
"""
