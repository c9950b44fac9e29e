"""The caption profiles that come with the package: one TOML file each."""

from __future__ import annotations

import importlib_resources

from animeds_db.errors import UsageError, did_you_mean

DEFAULT_PROFILE = "seed-guide"
"""Name of the shipped profile that is used where none is named."""


def profile_names() -> list[str]:
    """Return the names of the shipped profiles."""
    files = importlib_resources.files("animeds_db.captions").iterdir()
    return sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml"))


def profile_text(name: str) -> str:
    """Return the TOML of a shipped profile. Raises UsageError for another name."""
    if name not in profile_names():
        raise UsageError(
            f'There is no caption profile "{name}".',
            hint=f"{did_you_mean(name, profile_names())} The name of your own file must end in .toml.",
        )
    return importlib_resources.files("animeds_db.captions").joinpath(f"{name}.toml").read_text("utf-8")
