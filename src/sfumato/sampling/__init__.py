"""From a denoiser and a sampler to many samples: the chain, its batches, its shards."""
