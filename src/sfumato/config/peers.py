"""What other libraries call settings, and what they are called here."""

from collections.abc import Sequence

STEPS = ("num_inference_steps", "num_steps", "n_steps", "sampling_steps", "ddim_steps")
GUIDANCE = ("guidance_scale", "cfg_scale", "cfg")
PEERS = {
    **dict.fromkeys((*STEPS, "epochs", "max_steps", "iterations", "train_steps"), "steps"),
    **dict.fromkeys(GUIDANCE, "guidance: {scale: 3}"),
    **dict.fromkeys(("num_samples", "n_images", "count"), "n_samples"),
    **dict.fromkeys(("class_labels", "classes", "y"), "labels"),
    **dict.fromkeys(("num_train_timesteps", "timesteps"), "noise_steps"),
    **dict.fromkeys(("objective", "parameterization", "pred_type"), "prediction_type"),
    **dict.fromkeys(("lr", "lr_max", "base_lr"), "learning_rate"),
    **dict.fromkeys(("batch", "train_batch_size", "bs"), "batch_size"),
    **dict.fromkeys(("image_size", "img_size", "resolution"), "input_dim: [28, 28, 1]"),
    "method": "sampler: ddim",
    "scheduler": "sampler: ddim",
    "timestep_spacing": "spacing",
    "use_karras_sigmas": "spacing: karras",
    "clip_sample": "clip",
    "rescale_betas_zero_snr": "zero_terminal_snr",
    "loss_type": "loss",
    "ema": "ema_decay",
    "grad_clip": "clip_norm",
    "max_grad_norm": "clip_norm",
    "lr_warmup_steps": "warmup_steps",
    "warmup": "warmup_steps",
}


def called_here(name: object, known: Sequence[str]) -> str:
    """Return "; here it is steps" for another library's name of one of the known settings."""
    ours = PEERS.get(str(name), "")
    return f"; here it is {ours}" if ours.partition(":")[0] in known else ""
