"""What other libraries call settings, and what they are called here."""

from collections.abc import Sequence

STEPS = ("num_inference_steps", "num_steps", "n_steps", "sampling_steps", "ddim_steps")
SCALE = ("guidance_scale", "cfg_scale", "cfg")
LABELS = ("class_labels", "classes", "y")
PEERS = {
    **dict.fromkeys((*STEPS, "max_steps", "iterations", "train_steps"), "steps"),
    "epochs": "steps, of which the number of images / batch_size are an epoch",
    **dict.fromkeys(SCALE, "guidance: {scale: VALUE}"),
    **dict.fromkeys(("num_samples", "count"), "n_samples"),
    **dict.fromkeys(LABELS, "labels"),
    **dict.fromkeys(("num_train_timesteps", "timesteps"), "noise_steps"),
    **dict.fromkeys(("objective", "parameterization", "pred_type"), "prediction_type"),
    **dict.fromkeys(("lr", "lr_max", "base_lr"), "learning_rate"),
    **dict.fromkeys(("batch", "train_batch_size", "bs"), "batch_size"),
    **dict.fromkeys(
        ("image_size", "img_size", "resolution"), "input_dim: [HEIGHT, WIDTH, CHANNELS]"
    ),
    "scheduler": "sampler",
    "timestep_spacing": "spacing",
    "use_karras_sigmas": "spacing: karras",
    "clip_sample": "clip",
    "rescale_betas_zero_snr": "zero_terminal_snr",
    "loss_type": "loss",
    **dict.fromkeys(("optimizer", "optimiser"), "learning_rate and weight_decay, of AdamW"),
    "ema": "ema_decay",
    **dict.fromkeys(("grad_clip", "max_grad_norm"), "clip_norm"),
    **dict.fromkeys(("lr_warmup_steps", "warmup"), "warmup_steps"),
}
"""The name that a setting has elsewhere, and what to write here: its name, or an example."""


def setting_of(words: str) -> str:
    """Return the name of the setting that `words`, a value of PEERS, begins with."""
    return words.replace(",", ":").replace(" ", ":").partition(":")[0]


def called_here(name: object, known: Sequence[str]) -> str:
    """Return "; here it is steps" for another library's name of one of the known settings."""
    ours = PEERS.get(str(name), "")
    return f"; here it is {ours}" if setting_of(ours) in known else ""
