"""The net of tiny-mask: a small U-Net whose finer maps cost little.

Rule: the bare net speaks logits of half its input's size, `MaskExport` what the file promises: probabilities of its
input's size.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from training.nets import Residual, conv

WIDTHS = (16, 24, 40, 56, 72)
"""Channels at strides 2, 4, 8, 16 and 32."""


def light(inputs: int, outputs: int) -> nn.Sequential:
    """Return a depthwise 3x3 and a pointwise convolution, each with batch norm, the second with ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, inputs, 3, 1, 1, groups=inputs, bias=False),
        nn.BatchNorm2d(inputs),
        *conv(inputs, outputs, 1),
    )


class MaskNet(nn.Module):
    """Image [N,3,H,W], mean 0 and deviation about 1 → logit of each 2x2 block [N,1,H/2,W/2]."""

    def __init__(self) -> None:
        super().__init__()
        a, b, c, d, e = WIDTHS
        self.stem = conv(3, a, 3, 2)
        self.down4 = nn.Sequential(conv(a, b, 3, 2), light(b, b))
        self.down8 = nn.Sequential(conv(b, c, 3, 2), Residual(c))
        self.down16 = nn.Sequential(conv(c, d, 3, 2), Residual(d), Residual(d))
        self.down32 = nn.Sequential(conv(d, e, 3, 2), Residual(e), Residual(e))
        self.whole = nn.Linear(e, e)
        self.up16, self.up8 = light(e + d, d), light(d + c, c)
        self.up4, self.up2 = light(c + b, a), light(2 * a, 12)
        self.last = nn.Conv2d(12, 1, 3, 1, 1)
        nn.init.constant_(self.last.bias, -1.0)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        x2 = self.stem(x)
        x4 = self.down4(x2)
        x8 = self.down8(x4)
        x16 = self.down16(x8)
        x32 = self.down32(x16)
        x32 = x32 + self.whole(x32.mean((2, 3)))[:, :, None, None]  # the kind of place and of light
        for up, fine in ((self.up16, x16), (self.up8, x8), (self.up4, x4), (self.up2, x2)):
            x32 = up(torch.cat([F.interpolate(x32, scale_factor=2.0, mode="nearest"), fine], 1))
        return self.last(x32)  # type: ignore[no-any-return]


class MaskExport(nn.Module):
    """Normalised image [N,3,H,W] → probability per pixel [N,1,H,W], as the isnetis matting models answer."""

    def __init__(self, net: MaskNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        # onnxruntime pads one channel to eight; after these two steps it resizes only the one
        logits = self.net(x).squeeze(1).unsqueeze(1)
        return torch.sigmoid(F.interpolate(logits, scale_factor=2.0, mode="bilinear", align_corners=False))
