"""The routes below /api, one module per subject. They parse requests, call the service, and format responses."""

from __future__ import annotations

from animeds_db.web.api import (
    choices,
    clips,
    clusters,
    exports,
    facts,
    folders,
    frames,
    jobs,
    labels,
    maps,
    masks,
    outfits,
    recipes,
    selections,
    sql,
    videos,
)

ROUTERS = (
    frames.router,
    sql.router,
    facts.router,
    labels.router,
    masks.router,
    selections.router,
    clusters.router,
    outfits.router,
    maps.router,
    jobs.router,
    exports.router,
    recipes.router,
    folders.router,
    choices.router,
    videos.router,
    clips.router,
)
