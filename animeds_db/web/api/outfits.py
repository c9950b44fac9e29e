"""Outfits of a character: some pictures of each, and names, merges and splits by a person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from animeds_db.steps.labels.changes import Act
from animeds_db.steps.outfits.find import Outfits
from animeds_db.web.api.common import alone, written
from animeds_db.web.bodies import labels as label_models
from animeds_db.web.bodies import people
from animeds_db.web.errors import ConflictError
from animeds_db.web.plain import records
from animeds_db.web.service import Service, service_of

router = APIRouter(prefix="/characters/{character}/outfits", tags=["outfits"])
Character = Annotated[str, Path(max_length=200)]
Number = Annotated[int, Path(ge=1, le=1_000_000_000)]


@router.get("")
async def outfits(
    request: Request, character: Character, count: Annotated[int, Query(ge=1, le=100)] = 12
) -> people.OutfitSheet:
    """Return the outfits of a character, the largest first, with at most `count` pictures of each."""
    found = await _found(service_of(request), character)
    return people.OutfitSheet(
        character=character,
        version=found.version,
        n_not_grouped=int((found.numbers == 0).sum()),
        outfits=[
            people.Outfit(**row, bodies=records(found.spread(row["outfit"], count))) for row in found.rows()
        ],
    )


@router.post("/merge")
async def merge(request: Request, character: Character, body: people.MergeOutfitsBody) -> label_models.Act:
    """Make outfits one, under the name of the first one that has a name."""
    service = service_of(request)
    return await _corrected(
        service,
        character,
        body,
        lambda found: service.dataset.merge_outfits(found, body.outfits, who=service.options.who),
    )


@router.post("/{outfit}/name")
async def name(
    request: Request, character: Character, outfit: Number, body: people.NameOutfitBody
) -> label_models.Act:
    """Name an outfit: the name becomes the appearance of its faces."""
    service = service_of(request)
    return await _corrected(
        service,
        character,
        body,
        lambda found: service.dataset.name_outfits(found, {outfit: body.name}, who=service.options.who),
    )


@router.post("/{outfit}/split")
async def split(
    request: Request, character: Character, outfit: Number, body: people.SplitOutfitBody
) -> label_models.Act:
    """Split an outfit into its most different parts."""
    service = service_of(request)
    return await _corrected(
        service,
        character,
        body,
        lambda found: service.dataset.split_outfit(found, outfit, body.into, who=service.options.who),
    )


async def _found(service: Service, character: str) -> Outfits:
    """Return the outfits of a character, which are grouped again only if a table has changed."""
    outfits: Outfits = await service.kept(
        ("outfits", character), lambda: alone(service, lambda: service.dataset.outfits(character))
    )
    return outfits


async def _corrected(
    service: Service, character: str, body: people.OutfitBody, correct: Callable[[Outfits], Act]
) -> label_models.Act:
    """Write labels of the outfits that a person has seen. Raises ConflictError if they are others by now."""
    found = await _found(service, character)
    if found.version != body.version:
        raise ConflictError(
            f"The outfits of {character} have changed since this page was loaded.",
            hint="Look at them again, then repeat your change.",
            others=[],
        )
    return await written(service, lambda: correct(found))
