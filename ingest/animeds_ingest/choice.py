"""The frames and models of an ingest: the user's choice, or else the choice that the database remembers."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

from animeds_db import settings
from animeds_db.errors import UsageError, did_you_mean
from animeds_db.media.hardware import NONE, Hardware, choose_hardware
from animeds_db.models import Models, load_profile
from animeds_ingest.sampling import Sampling

log = logging.getLogger("animeds")

PARTS = ("tagger", "detector", "character", "image", "boxes")
"""The models of a profile that can be replaced one by one."""

Load = Callable[[str, str, Mapping[str, str]], Models]
"""Loads models: called with a profile's name, a device, and the models that replace those of the profile."""


def load_models(profile: str, device: str, overrides: Mapping[str, str]) -> Models:
    """Load the models of a profile, with some of them replaced. Raises ModelError."""
    return load_profile(profile, device=device, overrides=overrides)


def hardware_here(hwaccel: str) -> Hardware:
    """Return what decodes videos on this machine. A device that cannot be used is reported here, not per source."""
    hardware = choose_hardware(hwaccel)
    if hardware.note:
        log.warning(hardware.note)
    return Hardware(hardware.device)


@dataclass(frozen=True)
class Choice:
    """The user's choice for an ingest. None, or a part that `overrides` does not name, was not chosen.

    sample is keyframes, iframes, changes, scenes, shots, every=2s or all; start and end are times such as 90 or "1:30".
    overrides maps tagger, detector, character or image to a model's name, or to "none", and boxes to the kinds of
    boxes that are tagged one by one, e.g. "person,face". hwaccel is what decodes videos: "none" for the processor,
    "auto", or a device (see animeds_db.media.hardware).
    """

    sample: str | None = None
    start: float | str | None = None
    end: float | str | None = None
    profile: str | None = None
    device: str | None = None
    overrides: Mapping[str, str] = field(default_factory=dict)
    hwaccel: str | None = None

    def __post_init__(self) -> None:
        for part in self.overrides:
            if part not in PARTS:
                raise UsageError(f'"{part}" is not a part of a profile', hint=did_you_mean(part, PARTS))
        if self.sample is not None:
            Sampling.parse(self.sample, self.start, self.end)

    @property
    def names(self) -> frozenset[str]:
        """The parts that were chosen: "sampling", "models"."""
        chosen = {
            "sampling": (self.sample, self.start, self.end) != (None, None, None),
            "models": self.profile is not None or bool(self.overrides),
        }
        return frozenset(name for name, is_chosen in chosen.items() if is_chosen)

    def over(self, remembered: Mapping[str, str]) -> Chosen:
        """Return what to use in a database that remembers these settings of earlier ingests."""
        sample = settings.resolve("sampling", self.sample, remembered=remembered).value
        profile = settings.resolve("profile", self.profile, remembered=remembered)
        parts = {p: remembered[p] for p in PARTS if p in remembered} if profile.origin == "database" else {}
        device = settings.resolve("device", self.device).value
        sampling = Sampling.parse(sample, self.start, self.end)
        hwaccel = settings.resolve("hwaccel", self.hwaccel).value
        return Chosen(sampling, profile.value, device, {**parts, **self.overrides}, hwaccel)


@dataclass(frozen=True)
class Chosen:
    """Which frames are taken, which models look at them, and what decodes them."""

    sampling: Sampling
    profile: str
    device: str
    overrides: Mapping[str, str]
    hwaccel: str = NONE

    def load(self, load: Load = load_models) -> Models:
        """Load the models. Raises ModelError."""
        return load(self.profile, self.device, self.overrides)

    def loader(self) -> Callable[[], Models]:
        """Return a function that loads the same models on another machine, whatever its settings are."""
        return partial(load_models, self.profile, self.device, dict(self.overrides))

    def to_remember(self) -> dict[str, str]:
        """Return the defaults of the next ingest. A start and an end are for this ingest only."""
        sampling = str(dataclasses.replace(self.sampling, start_s=None, end_s=None))
        return {"profile": self.profile, "sampling": sampling, **self.overrides}
