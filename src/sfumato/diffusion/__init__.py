"""The forward process: its schedule, its laws, its times, and what a network may predict of it."""
