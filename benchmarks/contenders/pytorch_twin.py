"""The same network in PyTorch: layer for layer, channels last, eager or compiled.

The loop around it is the least that DDIM needs, so that the network is what is compared.
"""

import sys

import torch
from sizes import BATCH, NOISE_STEPS, SIDE, STEPS, TRAINING_BATCH, TRAINING_STEPS, WIDTHS
from torch import nn
from torch.nn import functional as F  # noqa: N812 (its usual name)
from torch.utils.flop_counter import FlopCounterMode
from worker import Task, serve

EMBEDDING = 4 * WIDTHS[0]
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


class Block(nn.Module):
    """A residual block."""

    def __init__(self, width_in: int, width: int) -> None:
        """Make a block from `width_in` to `width` channels."""
        super().__init__()
        self.norm_1, self.norm_2 = nn.GroupNorm(8, width_in), nn.GroupNorm(8, width)
        self.conv_1 = nn.Conv2d(width_in, width, 3, padding=1)
        self.conv_2 = nn.Conv2d(width, width, 3, padding=1)
        self.embed = nn.Linear(EMBEDDING, width)
        self.shortcut = nn.Conv2d(width_in, width, 1) if width_in != width else nn.Identity()

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """(B, width_in, H, W) -> (B, width, H, W)."""
        h = self.conv_1(F.silu(self.norm_1(x))) + self.embed(embedding)[:, :, None, None]
        return self.conv_2(F.silu(self.norm_2(h))) + self.shortcut(x)


class UNet(nn.Module):
    """The U-Net of this library without attention."""

    def __init__(self, blocks: int) -> None:
        """Make a network with so many blocks at each level."""
        super().__init__()
        self.blocks = blocks
        self.embed_1, self.embed_2 = (
            nn.Linear(WIDTHS[0], EMBEDDING),
            nn.Linear(EMBEDDING, EMBEDDING),
        )
        self.conv_in = nn.Conv2d(1, WIDTHS[0], 3, padding=1)
        down, downsample, up, upsample, width = [], [], [], [], WIDTHS[0]
        for level, wide in enumerate(WIDTHS):
            if level:
                downsample.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
            for _ in range(blocks):
                down.append(Block(width, wide))
                width = wide
        self.middle = nn.ModuleList([Block(width, width), Block(width, width)])
        for level in reversed(range(len(WIDTHS))):
            for _ in range(blocks):
                up.append(Block(width + WIDTHS[level], WIDTHS[level]))
                width = WIDTHS[level]
            if level:
                upsample.append(nn.Conv2d(width, width, 3, padding=1))
        self.down, self.downsample = nn.ModuleList(down), nn.ModuleList(downsample)
        self.up, self.upsample = nn.ModuleList(up), nn.ModuleList(upsample)
        self.norm_out, self.conv_out = nn.GroupNorm(8, width), nn.Conv2d(width, 1, 3, padding=1)

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W), (B,) -> (B, 1, H, W)."""
        half = WIDTHS[0] // 2
        frequencies = torch.exp(-9.2103404 * torch.arange(half, device=x.device) / half)
        angles = t[:, None] * frequencies
        embedding = self.embed_1(torch.cat([angles.sin(), angles.cos()], dim=1))
        embedding = F.silu(self.embed_2(F.silu(embedding)))
        h, skips = self.conv_in(x), []
        for level in range(len(WIDTHS)):
            if level:
                h = self.downsample[level - 1](h)
            for block in self.down[level * self.blocks : (level + 1) * self.blocks]:
                h = block(h, embedding)
                skips.append(h)
        for block in self.middle:
            h = block(h, embedding)
        for i in range(len(WIDTHS)):
            for block in self.up[i * self.blocks : (i + 1) * self.blocks]:
                h = block(torch.cat([h, skips.pop()], dim=1), embedding)
            if i + 1 < len(WIDTHS):
                h = self.upsample[i](F.interpolate(h, scale_factor=2))
        return self.conv_out(F.silu(self.norm_out(h)))


def network(blocks: int) -> nn.Module:
    """Make the network, its images with channels last."""
    torch.manual_seed(0)
    return UNet(blocks).to(DEVICE, memory_format=torch.channels_last)


def ddim(blocks: int, compiled: bool) -> Task:
    """Return STEPS steps of DDIM on one batch."""
    unet = network(blocks).eval()
    predict = torch.compile(unet) if compiled else unet
    alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, NOISE_STEPS, device=DEVICE), 0)
    times = torch.linspace(NOISE_STEPS - 1, 0, STEPS, device=DEVICE).round().long()

    @torch.inference_mode()
    def run() -> None:
        x = torch.randn(BATCH, 1, SIDE, SIDE, device=DEVICE)
        for i, t in enumerate(times):
            a = alpha_bar[t]
            b = alpha_bar[times[i + 1]] if i + 1 < STEPS else torch.ones_like(a)
            eps = predict(x, t.expand(BATCH).float())
            x_0 = ((x - (1 - a).sqrt() * eps) / a.sqrt()).clamp(-1, 1)
            eps = (x - a.sqrt() * x_0) / (1 - a).sqrt()
            x = b.sqrt() * x_0 + (1 - b).sqrt() * eps
        x.cpu()

    return run


def training(blocks: int, compiled: bool) -> Task:
    """Return some steps of training with AdamW, clipping and an average of the weights."""
    unet, average = network(blocks), network(blocks)
    predict = torch.compile(unet) if compiled else unet
    optimiser = torch.optim.AdamW(unet.parameters(), lr=1e-3, weight_decay=0.01)
    alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, NOISE_STEPS, device=DEVICE), 0)
    images = torch.rand(TRAINING_BATCH, 1, SIDE, SIDE, device=DEVICE) * 2 - 1

    def run() -> None:
        for _ in range(TRAINING_STEPS):
            t = torch.randint(NOISE_STEPS, (TRAINING_BATCH,), device=DEVICE)
            eps, a = torch.randn_like(images), alpha_bar[t][:, None, None, None]
            loss = F.mse_loss(predict(a.sqrt() * images + (1 - a).sqrt() * eps, t.float()), eps)
            optimiser.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
            optimiser.step()
            with torch.no_grad():
                for kept, new in zip(average.parameters(), unet.parameters(), strict=True):
                    kept.lerp_(new, 1e-3)
        loss.item()

    return run


if __name__ == "__main__":
    blocks, compiled = int(sys.argv[1]), sys.argv[2] == "compiled"
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(blocks)(
            torch.zeros(BATCH, 1, SIDE, SIDE, device=DEVICE), torch.zeros(BATCH, device=DEVICE)
        )
    serve(
        {
            "versions": {"torch": torch.__version__},
            "device": DEVICE,
            "parameters": sum(p.numel() for p in network(blocks).parameters()),
            "flop": counter.get_total_flops(),
        },
        {
            "ddim": lambda: ddim(blocks, compiled),
            "training": lambda: training(blocks, compiled),
        },
    )
