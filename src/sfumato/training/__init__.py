"""From images to weights: the loop, its step, losses, optimiser, order of images, and its store."""
