"""What all contenders are asked to do, so that they do the same."""

BATCH = 8
SIDE = 28
NOISE_STEPS = 1000
STEPS = 20  # of DDIM, in one timed run
WIDTHS = (64, 128, 256)
TRAINING_BATCH = 16
TRAINING_STEPS = 20  # in one timed run, its setting up with them
