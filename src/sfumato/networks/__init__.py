"""Denoising networks, their blocks and their initialisation; `denoiser` makes one askable."""
