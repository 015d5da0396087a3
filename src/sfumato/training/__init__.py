"""From images to weights: the loop, its step, its losses, its optimiser and its store."""
