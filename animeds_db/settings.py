"""Where a setting's value comes from: flag > ANIMEDS_* > recipe > ./animeds.toml > user file > database > default.

The table SETTINGS is the whole list; a new setting is a row there.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from animeds_db.errors import UsageError, did_you_mean


@dataclass(frozen=True)
class Setting:
    """One setting: its name in settings files, its default, and its meaning."""

    name: str
    default: str
    help: str

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"ANIMEDS_{self.name.upper()}"


@dataclass(frozen=True)
class Value:
    """A setting's value and its origin."""

    value: str
    origin: str


SETTINGS = (
    Setting("db", "anime.animeds", "the database: a folder (or URI) of Lance tables"),
    Setting("profile", "anime", "which models ingest uses: anime, tiny, none, or one of your own"),
    Setting(
        "sampling",
        "keyframes",
        "which frames ingest reads: keyframes, iframes, changes, scenes, shots, every=2s or all",
    ),
    Setting("device", "auto", "where models run: auto, cpu or cuda"),
    Setting(
        "hwaccel",
        "none",
        "what decodes videos in `ingest` and `shots`: none (the processor), auto, cuda, vaapi, d3d11va, videotoolbox",
    ),
    Setting(
        "text_tower", "", "the model that reads the words of a search; default: the image embedder's own"
    ),
    Setting(
        "allow_models",
        "",
        "models that a database may name although they are not in your manifest, separated by commas",
    ),
    Setting("keep", "7d", "how long old versions of the database are kept: 7d, 12h, …; at least 1h"),
    Setting("memory", "", "memory limit of one DuckDB session: 2GB, …; default: half, at most 4GiB"),
    Setting("queries", "queries", "folder of your own named queries"),
)


def user_file() -> Path:
    """Return the path of the user's settings file (it need not exist)."""
    import platformdirs

    return Path(platformdirs.user_config_dir("animeds", appauthor=False)) / "animeds.toml"


def resolve(
    name: str,
    flag: str | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    recipe: str | None = None,
    remembered: Mapping[str, str] | None = None,
) -> Value:
    """Return a setting's value and origin. Raises UsageError for a settings file that cannot be read.

    `recipe` is the value in the recipe that is made; `remembered` holds the options of the database's last ingest.
    """
    setting = next(s for s in SETTINGS if s.name == name)
    if flag is not None:
        return Value(flag, "flag")
    if environ.get(setting.variable):
        return Value(environ[setting.variable], setting.variable)
    if recipe is not None:
        return Value(recipe, "recipe")
    for path in (Path("animeds.toml"), user_file()):
        content = _read(path)
        if name in content:
            return Value(str(content[name]), str(path))
    if remembered and name in remembered:
        return Value(remembered[name], "database")
    return Value(setting.default, "default")


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"cannot read the settings file {path}: {error}") from error
    for key in content:
        if key not in {s.name for s in SETTINGS}:
            raise UsageError(
                f'{path}: unknown setting "{key}"', hint=did_you_mean(key, (s.name for s in SETTINGS))
            )
    return content
