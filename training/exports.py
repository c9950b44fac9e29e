"""What the ONNX files of the tiny pack promise: a net with the inputs and outputs of the models that it stands for.

Rule: nothing here is trained.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.nets import CLIP_MEAN, CLIP_STD, DetectNet, cell_centres
from training.search import ImageNet


class TaggerExport(nn.Module):
    """WD style: [N,H,W,3] float32 BGR 0…255 → probabilities [N, tags], and the vector of the picture [N, width]."""

    def __init__(self, net: ImageNet) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mean", torch.tensor(CLIP_MEAN).view(1, 3, 1, 1) * 255)
        self.register_buffer("std", torch.tensor(CLIP_STD).view(1, 3, 1, 1) * 255)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        rgb = x.permute(0, 3, 1, 2).flip(1)  # turning whole channels is faster than turning every pixel
        return self.net((rgb - self.mean) / self.std)  # type: ignore[no-any-return]


class DetectorExport(nn.Module):
    """YOLO style: `images` [N,3,H,W] RGB 0…1 → [N, 4+C, A]: cx, cy, w, h in input pixels, then scores 0…1."""

    def __init__(self, net: DetectNet, height: int, width: int) -> None:
        super().__init__()
        self.net = net
        centres, strides = cell_centres(height, width)
        self.register_buffer("centres", centres)
        self.register_buffer("strides", strides[:, None])
        self.register_buffer("mean", torch.tensor(CLIP_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(CLIP_STD).view(1, 3, 1, 1))

    def forward(self, images: Tensor) -> Tensor:
        distances, logits = self.net((images - self.mean) / self.std)
        low = self.centres - distances[:, :, :2] * self.strides
        high = self.centres + distances[:, :, 2:] * self.strides
        return torch.cat([(low + high) / 2, high - low, logits.sigmoid()], 2).transpose(1, 2)
