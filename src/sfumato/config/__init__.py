"""What a config may say. One section a file; nothing here imports jax.

A script imports only the sections that it reads, so a change of one section's file reruns only
the rules that depend on it. `experiment` puts all of them together for the workflow.
"""
