"""Hugging Face's diffusers: its U-Net of the same widths, its DDIM scheduler, its pipeline."""

import sys

import diffusers
import torch
from diffusers import DDIMPipeline, DDIMScheduler, UNet2DModel
from sizes import BATCH, NOISE_STEPS, SIDE, STEPS, WIDTHS
from torch.utils.flop_counter import FlopCounterMode
from worker import Task, serve

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def network(blocks: int) -> UNet2DModel:
    """Make the U-Net: no attention but in the middle, which it cannot do without."""
    torch.manual_seed(0)
    unet = UNet2DModel(
        sample_size=SIDE,
        in_channels=1,
        out_channels=1,
        block_out_channels=WIDTHS,
        layers_per_block=blocks,
        down_block_types=("DownBlock2D",) * len(WIDTHS),
        up_block_types=("UpBlock2D",) * len(WIDTHS),
        norm_num_groups=8,
        add_attention=False,
    )
    return unet.to(DEVICE, memory_format=torch.channels_last).eval()


def ddim(blocks: int, compiled: bool) -> Task:
    """Return STEPS steps of DDIM on one batch."""
    unet = network(blocks)
    pipeline = DDIMPipeline(
        torch.compile(unet) if compiled else unet, DDIMScheduler(NOISE_STEPS, 1e-4, 0.02)
    )
    pipeline.set_progress_bar_config(disable=True)
    return lambda: pipeline(batch_size=BATCH, num_inference_steps=STEPS, output_type="np")


if __name__ == "__main__":
    blocks, compiled = int(sys.argv[1]), sys.argv[2] == "compiled"
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(blocks)(torch.zeros(BATCH, 1, SIDE, SIDE, device=DEVICE), 0)
    serve(
        {
            "versions": {"diffusers": diffusers.__version__, "torch": torch.__version__},
            "device": DEVICE,
            "parameters": network(blocks).num_parameters(),
            "flop": counter.get_total_flops(),
        },
        {"ddim": lambda: ddim(blocks, compiled)},
    )
