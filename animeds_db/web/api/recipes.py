"""Saved recipes: an export of the page as a recipe, the list of them, and a recipe made again as a job."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from animeds_db.recipes import Saved, describe, read, save
from animeds_db.web.api.frames import placed
from animeds_db.web.api.jobs import started
from animeds_db.web.bodies import jobs as job_models
from animeds_db.web.download import export_folder, exports_of
from animeds_db.web.saved_recipes import described, expect_allowed, new_recipe_file, recipe_file, recipe_files
from animeds_db.web.selection import Selection
from animeds_db.web.service import service_of
from animeds_db.web.workers import export_request

router = APIRouter(tags=["recipes"])


@router.get("/recipes")
async def recipes(request: Request) -> list[job_models.SavedRecipe]:
    """List the recipes in the folder for exports, by name."""
    exports = service_of(request).options.exports
    found = (
        [] if exports is None else await run_in_threadpool(lambda: [*map(described, recipe_files(exports))])
    )
    return [job_models.SavedRecipe(**one) for one in found]


@router.get("/recipes/{name}")
async def recipe(request: Request, name: str) -> job_models.SavedRecipe:
    """Return a saved recipe, with its TOML text."""
    path = recipe_file(exports_of(service_of(request).options), name)
    found = await run_in_threadpool(described, path)
    return job_models.SavedRecipe(**found, text=await run_in_threadpool(path.read_text, "utf-8"))


@router.post("/recipes")
async def save_recipe(request: Request, body: job_models.ExportBody) -> job_models.SavedRecipe:
    """Save an export, and everything that led to it, as the recipe `out`; with dry_run, only return it.

    `animeds make` of that file gives the same folder.
    """
    service = service_of(request)
    service.expect_database()
    selection = Selection.read(body.selection)
    await service.check_names(request, selection)
    given = body.options | {"layout": body.layout}
    options = export_request.described(given)
    folder = export_folder(service.options, body.out)
    with placed(selection):
        await service.check(request, selection.sql())

    def saved() -> Saved:
        path = new_recipe_file(folder.parent, body.out)
        about = {"sql": selection.sql(), "options": options, **export_request.included(given)}
        if body.dry_run:
            return describe(service.dataset, path, None, folder, **about)
        with service.writing:
            return save(service.dataset, path, None, folder, overwrite=options.overwrite, **about)

    done = await run_in_threadpool(saved)
    return job_models.SavedRecipe(
        name=body.out,
        folders=[folder.name],
        n_sources=len(done.recipe.sources),
        text=done.recipe.text,
        notes=list(done.notes),
    )


@router.post("/recipes/{name}/make")
async def make(request: Request, name: str) -> job_models.StartedJob:
    """Start a job that brings everything up to date with a saved recipe. Only what changed is done."""
    service = service_of(request)
    exports = exports_of(service.options)
    found = await run_in_threadpool(read, recipe_file(exports, name))
    await run_in_threadpool(expect_allowed, found, exports, list(service.options.roots))
    return started(service, request, "make", f"Make {name}", {"recipe": name})
