"""Losses of the tiny pack.

Rule: a loss takes nets' outputs and plain targets and returns one scalar; it knows no file and no data set.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

PULL = 48.0
"""How much a twin that lies too far away counts."""
SHARPNESS, MARGIN = 16.0, 0.2
"""Of the loss over all characters: the factor of the cosines, and by how much the right one must lead."""
ASSIGNED = 10
"""Cells given to each box, as in the task-aligned assignment of TOOD (arXiv 2108.07755)."""


class Targets(NamedTuple):
    """Padded boxes of a batch: [N,M,4] left, top, right, bottom in pixels; [N,M] class; [N,M] real or not."""

    boxes: Tensor
    classes: Tensor
    real: Tensor


def iou(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return IoU and generalised IoU (arXiv 1902.09630) of broadcastable boxes [...,4]."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:], b[..., 2:])
    inner = (high - low).clamp_min(0).prod(-1)
    area_a, area_b = (a[..., 2:] - a[..., :2]).prod(-1), (b[..., 2:] - b[..., :2]).prod(-1)
    union = (area_a + area_b - inner).clamp_min(1e-6)
    hull = torch.maximum(a[..., 2:], b[..., 2:]) - torch.minimum(a[..., :2], b[..., :2])
    hull_area = hull.prod(-1).clamp_min(1e-6)
    overlap = inner / union
    return overlap, overlap - (hull_area - union) / hull_area


def assign(scores: Tensor, boxes: Tensor, centres: Tensor, targets: Targets) -> tuple[Tensor, Tensor, Tensor]:
    """Give each real box its `ASSIGNED` best cells: those inside it with the highest score^0.5 * IoU^4.

    Returns per cell the box's index [N,A], whether it has one [N,A] and the score it should reach [N,A].
    """
    overlap = iou(boxes[:, :, None], targets.boxes[:, None])[0].clamp_min(0)  # [N,A,M]
    wanted = scores.gather(2, targets.classes[:, None].expand(-1, scores.shape[1], -1))
    low, high = targets.boxes[:, None, :, :2], targets.boxes[:, None, :, 2:]
    middle, reach = (low + high) / 2, ((high - low) / 2).clamp_min(4.5)  # tiny boxes still hold one cell
    inside = ((centres[None, :, None] - middle).abs() <= reach).all(-1) & targets.real[:, None]
    metric = (wanted.sqrt() * overlap.pow(4) + 1e-9) * inside
    best = metric.topk(ASSIGNED, dim=1).indices
    chosen = torch.zeros_like(metric).scatter_(1, best, 1.0) * inside
    owner = (chosen * (overlap + 1e-6)).max(2)
    chosen = F.one_hot(owner.indices, metric.shape[2]) * (owner.values > 0)[..., None]
    metric = metric * chosen
    peak = metric.amax(1, keepdim=True).clamp_min(1e-9)
    reach_score = (metric / peak * (overlap * chosen).amax(1, keepdim=True)).amax(2)
    return owner.indices, owner.values > 0, reach_score


def detection_loss(
    distances: Tensor, logits: Tensor, cells: tuple[Tensor, Tensor], targets: Targets
) -> Tensor:
    """Return box (GIoU) plus class loss (binary cross entropy against the aligned score)."""
    centres, strides = cells
    low = centres - distances[..., :2] * strides[:, None]
    boxes = torch.cat([low, centres + distances[..., 2:] * strides[:, None]], -1)
    with torch.no_grad():
        owner, has, goal = assign(logits.sigmoid(), boxes, centres, targets)
        classes = targets.classes.gather(1, owner)
        goals = F.one_hot(classes, logits.shape[2]) * (goal * has)[..., None]
        wanted = targets.boxes.gather(1, owner[..., None].expand(-1, -1, 4))
        weight = goals.sum(-1)
        total = weight.sum().clamp_min(1.0)
    score_loss = F.binary_cross_entropy_with_logits(logits, goals.float(), reduction="none")
    focus = (logits.sigmoid() - goals).detach().abs().pow(1.5)  # easy background counts for little
    box_loss = ((1 - iou(boxes, wanted)[1]) * weight).sum() / total
    return (score_loss * (0.2 + focus)).sum() / total * 1.5 + box_loss * 2.0


def tag_loss(logits: Tensor, truth: Tensor, ease: float = 1.5) -> Tensor:
    """Return the asymmetric loss of arXiv 2009.14119: tags that are clearly absent count for little.

    With a high `ease` rare tags are learned sooner but said too often; with none a probability is one.
    """
    chance = logits.sigmoid()
    present = truth * F.logsigmoid(logits)
    absent = (1 - truth) * F.logsigmoid(-logits) * chance.detach().pow(ease)
    return -(present + absent).sum() / truth.sum().clamp_min(1.0)


def single_loss(logits: Tensor, truth: Tensor, weights: Tensor) -> Tensor:
    """Return the binary cross entropy of every tag, times its weight [T], summed over the tags of [N,T].

    Unlike with `tag_loss`, a rare tag does not count for less because there are many others.
    """
    loss = F.binary_cross_entropy_with_logits(logits, truth.expand_as(logits), reduction="none")
    return (loss * weights).sum() / max(1, len(logits))


def choices_loss(logits: Tensor, truth: Tensor, choices: Sequence[list[int]]) -> Tensor:
    """Return the cross entropy of kinds of tags of which there is one at most, summed over the kinds.

    `choices` holds for each kind the places of its tags in [N,T]. That there is none of them has the logit 0. Rows
    that have several of a kind, because they show several people, do not count for it. Beside a loss of single tags it
    teaches rare ones, such as a colour of eyes, in a fraction of the steps.
    """
    none = torch.zeros(len(logits), 1)
    total = torch.zeros(())
    for places in choices:
        own = truth[:, places]
        goal = torch.cat([own, 0.5 * torch.ones_like(none)], 1).argmax(1)
        loss = F.cross_entropy(torch.cat([logits[:, places], none], 1), goal, reduction="none")
        total = total + (loss * (own.sum(1) < 1.5)).sum() / max(1, len(logits))
    return total


def place_loss(dense: Tensor, truth: Tensor, sort: Tensor, local: Tensor) -> Tensor:
    """Return the loss of tags told place by place: cells on a head know that person's, empty cells know none.

    `dense` [N,T,h,w] logits, `truth` [N,h,w,T], `sort` [N,h,w]: 1 somebody's head, -1 nobody there, 0 not told.
    """
    cells = dense.permute(0, 2, 3, 1)
    somebody, nobody = sort > 0, sort < 0
    loss = tag_loss(cells[somebody][:, local > 0], truth[somebody][:, local > 0])
    if nobody.any():
        loss = loss + 0.5 * F.softplus(cells[nobody][:, local > 0]).mean() * 5
    return loss


def same_character_loss(vectors: Tensor, names: Tensor, temperature: float = 0.08) -> Tensor:
    """Supervised contrastive loss (arXiv 2004.11362): every vector against all others, same name = positive.

    A vector whose name no other has is only kept away from the others.
    """
    eye = torch.eye(len(names), dtype=torch.bool)
    logits = (vectors @ vectors.T / temperature).masked_fill(eye, -1e4)
    positive = (names[:, None] == names[None]) & ~eye
    share = F.log_softmax(logits, 1)
    of_pairs = (share * positive).sum(1) / positive.sum(1).clamp_min(1)
    return -of_pairs.sum() / positive.any(1).sum().clamp_min(1)


def known_character_loss(vectors: Tensor, names: Tensor, proxies: Tensor) -> Tensor:
    """Cross entropy of each vector against a learned vector per character of the whole set (CosFace, arXiv 1801.09414).

    Its own must be nearer than any other by `MARGIN`: every step compares with thousands of characters, not with those
    of the batch only.
    """
    cosine = vectors @ F.normalize(proxies, dim=1).T
    own = F.one_hot(names, len(proxies))
    return F.cross_entropy(SHARPNESS * (cosine - MARGIN * own), names)


def matching_loss(images: Tensor, texts: Tensor, fits: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Sigmoid loss over all pairs of a batch (SigLIP, arXiv 2303.15343); `fits` [N,M] has many ones a row.

    A caption of few words fits many pictures, so the usual one-positive softmax would punish right answers.
    """
    logits = images @ texts.T * scale + shift
    weight = torch.where(fits > 0, (1 - fits).sum() / fits.sum().clamp_min(1) / 4, torch.ones_like(fits))
    return F.binary_cross_entropy_with_logits(logits, fits, weight=weight.clamp(1.0, 30.0))


def ranking_loss(images: Tensor, texts: Tensor, fits: Tensor, scale: Tensor) -> Tensor:
    """For each caption, softmax over the batch's pictures against the even spread over those that fit."""
    share = F.log_softmax(texts @ images.T * scale, 1)
    goal = fits.T / fits.T.sum(1, keepdim=True).clamp_min(1)
    return -(share * goal).sum(1).mean()


def twin_loss(
    first: Tensor, second: Tensor, siblings: Tensor, pictures: Tensor, near: float = 0.995, far: float = 0.9
) -> Tensor:
    """Two encodings of one frame at least `near`, other frames of the batch named siblings at most `far`.

    `siblings` [N] holds a group number: pictures of one group share people and place but not the pose.
    `pictures` [N] holds a number per picture: rows of one number show the same and are never held apart.
    """
    pairs = (first * second).sum(1)
    pull = (near - pairs).clamp_min(0).mean() * PULL
    cosine = first @ second.T
    others = pictures[:, None] != pictures[None]
    apart = (siblings[:, None] == siblings[None]) & others
    push = ((cosine - far).clamp_min(0) * apart).sum() / apart.sum().clamp_min(1) * 8
    rivals = cosine.masked_fill(~others & ~torch.eye(len(first), dtype=torch.bool), -1.0)
    share = F.cross_entropy(rivals / 0.03, torch.arange(len(first)))
    return pull + push + share * 0.3
