"""Request and response bodies about characters: their faces, clusters and outfits."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from animeds_db.web.bodies.answers import Text


class ClusterFaces(BaseModel):
    """A cluster: its number, its name if it has one, and typical faces, the most typical first."""

    cluster: int
    name: str | None
    n_faces: int
    n_episodes: int
    faces: list[dict[str, Any]]


class NameBody(BaseModel):
    """The name of the character that a cluster shows; `ood` for people who are not in the cast."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Text, Field(max_length=200)]
    appearance: Annotated[Text | None, Field(max_length=200)] = None


class Named(BaseModel):
    """How many faces were added as examples, and how many were examples already."""

    added: int
    known: int
    notes: list[str]


class MergeBody(BaseModel):
    """Numbers of clusters to merge. The first number is kept."""

    model_config = ConfigDict(extra="forbid")

    clusters: Annotated[
        list[Annotated[int, Field(ge=1, le=1_000_000_000)]], Field(min_length=2, max_length=1000)
    ]


class SplitBody(BaseModel):
    """Number of parts into which a cluster is split."""

    model_config = ConfigDict(extra="forbid")

    into: Annotated[int, Field(ge=2, le=20)] = 2


class Regrouped(BaseModel):
    """Number of faces by cluster after a merge or split, and the change set, which can be undone."""

    sizes: dict[int, int]
    act: str


class GapFrames(BaseModel):
    """A kind of picture that is missing, in words; n: pictures of it; best: frames that would fill it."""

    gap: str
    n: int
    best: list[str]


class CharacterCoverage(BaseModel):
    """What the kept frames of a character do not show. stretches: parts of the videos that were not ingested, in words.

    commands: what ingests them, a command per video.
    """

    n_pictures: int
    gaps: list[GapFrames]
    stretches: str | None
    commands: list[str]


class OutfitBody(BaseModel):
    """version: that of the outfits that a person has seen."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[str, Field(max_length=100)]


class NameOutfitBody(OutfitBody):
    """The name of an outfit."""

    name: Annotated[Text, Field(max_length=200)]


class MergeOutfitsBody(OutfitBody):
    """Numbers of outfits to merge."""

    outfits: Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=2, max_length=1000)]


class SplitOutfitBody(OutfitBody):
    """Number of parts into which an outfit is split."""

    into: Annotated[int, Field(ge=2, le=20)] = 2


class Outfit(BaseModel):
    """An outfit of a character. n_from_shot: bodies whose own clothes are not seen. bodies: some, with their boxes."""

    outfit: int
    name: str | None
    n_bodies: int
    n_from_shot: int
    n_episodes: int
    tags: str
    first_frame: str
    bodies: list[dict[str, Any]]


class OutfitSheet(BaseModel):
    """The outfits of a character. version: what a correction of them must send."""

    character: str
    version: str
    n_not_grouped: int
    outfits: list[Outfit]


class Character(BaseModel):
    """A character with counts and its most certain faces."""

    name: str
    faces: int
    frames: int
    examples: int
    sample: list[dict[str, Any]]


class CharacterFacts(BaseModel):
    """One character: examples, faces, and where it appears in each episode."""

    name: str
    examples: list[dict[str, Any]]
    faces: list[dict[str, Any]]
    timeline: list[dict[str, Any]]
    truncated: bool


class Review(BaseModel):
    """Faces whose name a person should check."""

    faces: list[dict[str, Any]]
