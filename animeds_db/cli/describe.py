"""`animeds describe`: a captioner writes sentences about frames or boxes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from animeds_db.cli.common import DbOption, open_dataset
from animeds_db.cli.lists import ListsInHelp
from animeds_db.cli.output import talk
from animeds_db.cli.progress import PARTLY_FAILED, report_failures, watcher
from animeds_db.cli.rerun import DeviceOption, ProgressOption, WhereOption
from animeds_db.errors import UsageError
from animeds_db.printable import counted

if TYPE_CHECKING:
    from animeds_db.dataset.describing import DescribePlan
    from animeds_ingest.reruns.describing import Described

NAMED = 5
"""Maximum number of failed pictures that are named."""


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("describe", cls=ListsInHelp)(describe)


def describe(
    model: Annotated[
        str | None,
        typer.Option("--model", help="Name of the captioner. `animeds models list` shows all."),
    ] = None,
    where: WhereOption = None,
    boxes: Annotated[
        list[str] | None,
        typer.Option(
            "--boxes",
            help="Describe each box of this kind instead of the frame: person, halfbody, head, face. Can be repeated.",
        ),
    ] = None,
    prompt: Annotated[
        str, typer.Option("--prompt", help="Prompt: {prompts}, or your own .txt file.")
    ] = "prose",
    language: Annotated[str, typer.Option("--language", help="Language to write in: en, ja, de, …")] = "en",
    max_cost: Annotated[
        float | None,
        typer.Option(
            "--max-cost", help="US dollars to spend at most, by the price in the manifest entry.", min=0
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be asked, without asking.")
    ] = False,
    show_prompt: Annotated[
        str | None,
        typer.Option("--show-prompt", help="Print a prompt, as the start of your own: {prompts}."),
    ] = None,
    db: DbOption = None,
    device: DeviceOption = None,
    progress: ProgressOption = True,
) -> None:
    """Have a captioner write sentences about frames, or about each person on them.

    The captioner is an address that speaks the OpenAI chat API (Ollama, llama.cpp, LM Studio, vLLM, a
    cloud), or a local transformers model. Pictures that it has already described with this prompt are
    skipped; the command can be interrupted and run again. The view `descriptions` has the sentences.

    animeds describe --model ollama-qwen3-vl --where "episode = 3"
    """
    if show_prompt is not None:
        from animeds_db.models.prompts import load_prompt

        sys.stdout.write(load_prompt(show_prompt).text)
        return
    if model is None:
        raise UsageError("Name a captioner with --model.", hint="`animeds models list` shows all models.")
    with open_dataset(db) as dataset:
        if dry_run:
            plan = dataset.describe_plan(
                model, where=where, boxes=boxes or (), prompt=prompt, language=language, device=device
            )
            _show(model, plan)
            return
        with watcher(progress) as watching:
            report = dataset.describe(
                model,
                where=where,
                boxes=boxes or (),
                prompt=prompt,
                language=language,
                max_cost=max_cost,
                device=device,
                progress=watching,
            )
    raise typer.Exit(_report(model, report))


def _show(model: str, plan: DescribePlan) -> None:
    talk(f"{model}: {counted(plan.pictures, 'picture')} of {counted(plan.sources, 'source')} to describe")
    if plan.cost is not None:
        talk(f"about ${plan.cost:.2f}, by the descriptions so far")
    if plan.prompt is not None:
        talk("the first prompt:")
        sys.stdout.write(plan.prompt + "\n")


def _report(model: str, report: Described) -> int:
    """Print a summary of a run, and return the exit code."""
    done = sum(outcome.frames for outcome in report.outcomes)
    talk(f"{model}: {counted(done, 'picture')} described, {_used(report)}")
    for failure in report.failures[:NAMED]:
        talk(f"failed: {failure.picture}: {failure.error.headline}")
        if failure.error.hint:
            talk(f"hint: {failure.error.hint}")
    if len(report.failures) > NAMED:
        talk(f"failed: {counted(len(report.failures) - NAMED, 'other picture')}")
    if report.failures:
        talk("The same command tries the failed pictures again.")
    if report.stopped:
        talk(f"stopped: {report.stopped}; the same command with a higher --max-cost continues")
    code = report_failures(report)
    if report.failures:
        return PARTLY_FAILED if done else 1
    return code


def _used(report: Described) -> str:
    cost = f", ${report.cost:.4f}" if report.cost else ""
    return f"{report.tokens_in} tokens read and {report.tokens_out} written{cost}"
