"""The same network in PyTorch: layer for layer, channels last, eager or compiled.

The loop around it is the least that DDIM needs, so that the network is what is compared.
"""

import sys
from functools import partial

import torch
from sizes import BATCH, NOISE_STEPS, SIDE, SIZES, Size, tasks
from torch import nn
from torch.nn import functional as F  # noqa: N812 (its usual name)
from torch.utils.flop_counter import FlopCounterMode
from worker import Task, serve

HEADS = 4
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
torch.backends.cudnn.allow_tf32 = False  # float32 is float32, as in the jobs of this library


class Attention(nn.Module):
    """Self-attention among the pixels, plus the input."""

    def __init__(self, width: int) -> None:
        """Attend over `width` channels."""
        super().__init__()
        self.norm = nn.GroupNorm(8, width)
        self.project_in, self.project_out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(B, width, H, W) -> the same."""
        batch, width, *_ = x.shape
        pixels = self.project_in(self.norm(x).flatten(2).transpose(1, 2))
        parts = pixels.reshape(batch, -1, 3, HEADS, width // HEADS).permute(2, 0, 3, 1, 4)
        attended = F.scaled_dot_product_attention(*parts).transpose(1, 2).flatten(2)
        return x + self.project_out(attended).transpose(1, 2).reshape(x.shape)


class Block(nn.Module):
    """A residual block."""

    def __init__(self, width_in: int, width: int, size: Size, attends: bool) -> None:
        """Make a block from `width_in` to `width` channels."""
        super().__init__()
        self.norm_1, self.norm_2 = nn.GroupNorm(8, width_in), nn.GroupNorm(8, width)
        self.conv_1 = nn.Conv2d(width_in, width, 3, padding=1)
        self.conv_2 = nn.Conv2d(width, width, 3, padding=1)
        self.embed = nn.Linear(4 * size.widths[0], width)
        self.dropout = nn.Dropout(size.dropout)
        self.shortcut = nn.Conv2d(width_in, width, 1) if width_in != width else nn.Identity()
        self.attention = Attention(width) if attends else nn.Identity()

    def forward(self, x: torch.Tensor, embedding: torch.Tensor) -> torch.Tensor:
        """(B, width_in, H, W) -> (B, width, H, W)."""
        h = self.conv_1(F.silu(self.norm_1(x))) + self.embed(embedding)[:, :, None, None]
        h = self.conv_2(self.dropout(F.silu(self.norm_2(h)))) + self.shortcut(x)
        return self.attention(h)


class UNet(nn.Module):
    """The U-Net of this library, without classes."""

    def __init__(self, size: Size) -> None:
        """Make a network of that size."""
        super().__init__()
        self.size, widths, pixels = size, size.widths, size.patch**2
        embedding, last = 4 * widths[0], len(widths) - 1
        self.embed_1, self.embed_2 = (
            nn.Linear(widths[0], embedding),
            nn.Linear(embedding, embedding),
        )
        self.conv_in = nn.Conv2d(pixels, widths[0], 3, padding=1)
        down, downsample, up, upsample, width = [], [], [], [], widths[0]
        for level, wide in enumerate(widths):
            if level:
                downsample.append(nn.Conv2d(width, width, 3, stride=2, padding=1))
            for _ in range(size.blocks):
                down.append(Block(width, wide, size, level in size.attention))
                width = wide
        attends = last in size.attention
        middle = [Block(width, width, size, attends), Block(width, width, size, False)]
        for level in reversed(range(len(widths))):
            for _ in range(size.blocks):
                up.append(
                    Block(width + widths[level], widths[level], size, level in size.attention)
                )
                width = widths[level]
            if level:
                upsample.append(nn.Conv2d(width, width, 3, padding=1))
        self.middle = nn.ModuleList(middle)
        self.down, self.downsample = nn.ModuleList(down), nn.ModuleList(downsample)
        self.up, self.upsample = nn.ModuleList(up), nn.ModuleList(upsample)
        self.norm_out, self.conv_out = (
            nn.GroupNorm(8, width),
            nn.Conv2d(width, pixels, 3, padding=1),
        )

    def forward(self, x: torch.Tensor, t: torch.Tensor) -> torch.Tensor:
        """(B, 1, H, W), (B,) -> (B, 1, H, W)."""
        size, levels = self.size, len(self.size.widths)
        half = size.widths[0] // 2
        frequencies = torch.exp(-9.2103404 * torch.arange(half, device=x.device) / half)
        angles = t[:, None] * frequencies
        embedding = self.embed_1(torch.cat([angles.sin(), angles.cos()], dim=1))
        embedding = F.silu(self.embed_2(F.silu(embedding)))
        h, skips = self.conv_in(F.pixel_unshuffle(x, size.patch)), []
        for level in range(levels):
            if level:
                h = self.downsample[level - 1](h)
            for block in self.down[level * size.blocks : (level + 1) * size.blocks]:
                h = block(h, embedding)
                skips.append(h)
        for block in self.middle:
            h = block(h, embedding)
        for i in range(levels):
            for block in self.up[i * size.blocks : (i + 1) * size.blocks]:
                h = block(torch.cat([h, skips.pop()], dim=1), embedding)
            if i + 1 < levels:
                h = self.upsample[i](F.interpolate(h, scale_factor=2))
        return F.pixel_shuffle(self.conv_out(F.silu(self.norm_out(h))), size.patch)


def network(size: Size) -> nn.Module:
    """Make the network, its images with channels last."""
    torch.manual_seed(0)
    return UNet(size).to(DEVICE, memory_format=torch.channels_last)


def ddim(size: Size, compiled: bool, n_samples: int, steps: int, batch: int) -> Task:
    """Return DDIM of some images, a batch after the other."""
    unet = network(size).eval()
    predict = torch.compile(unet) if compiled else unet
    alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, NOISE_STEPS, device=DEVICE), 0)
    times = torch.linspace(NOISE_STEPS - 1, 0, steps, device=DEVICE).round().long()

    @torch.inference_mode()
    def draw() -> None:
        x = torch.randn(batch, 1, SIDE, SIDE, device=DEVICE)
        for i, t in enumerate(times):
            a = alpha_bar[t]
            b = alpha_bar[times[i + 1]] if i + 1 < steps else torch.ones_like(a)
            eps = predict(x, t.expand(batch).float())
            x_0 = ((x - (1 - a).sqrt() * eps) / a.sqrt()).clamp(-1, 1)
            eps = (x - a.sqrt() * x_0) / (1 - a).sqrt()
            x = b.sqrt() * x_0 + (1 - b).sqrt() * eps
        x.cpu()

    return lambda: [draw() for _ in range(n_samples // batch)]


def training(size: Size, compiled: bool, batch: int, steps: int, precision: str) -> Task:
    """Return some steps of training with AdamW, clipping and an average of the weights."""
    narrow = torch.autocast(DEVICE, torch.bfloat16, enabled=precision == "bfloat16")
    unet, average = network(size), network(size)
    predict = torch.compile(unet) if compiled else unet
    optimiser = torch.optim.AdamW(unet.parameters(), lr=1e-3, weight_decay=0.01)
    alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, NOISE_STEPS, device=DEVICE), 0)
    images = torch.rand(batch, 1, SIDE, SIDE, device=DEVICE) * 2 - 1

    def run() -> None:
        for _ in range(steps):
            t = torch.randint(NOISE_STEPS, (batch,), device=DEVICE)
            eps, a = torch.randn_like(images), alpha_bar[t][:, None, None, None]
            with narrow:
                predicted = predict(a.sqrt() * images + (1 - a).sqrt() * eps, t.float())
            loss = F.mse_loss(predicted.float(), eps)
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
    size, compiled = SIZES[sys.argv[1]], sys.argv[2] == "compiled"
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        network(size)(
            torch.zeros(BATCH, 1, SIDE, SIDE, device=DEVICE), torch.zeros(BATCH, device=DEVICE)
        )
    serve(
        {
            "versions": {"torch": torch.__version__},
            "device": DEVICE,
            "parameters": sum(p.numel() for p in network(size).parameters()),
            "flop": counter.get_total_flops(),
            "training_batch": size.training_batch,
        },
        tasks(size, partial(ddim, size, compiled), partial(training, size, compiled)),
    )
