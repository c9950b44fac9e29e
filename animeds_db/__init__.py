"""animeds-db: anime episodes as a database. `open()` one, ask it SQL, export folders.

Names are loaded on first use, so that `import animeds_db` stays cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from animeds_db.errors import AnimedsError

if TYPE_CHECKING:
    from animeds_db.dataset import Dataset, create, open  # noqa: A004 (animeds_db.open reads well)
    from animeds_db.recipes import make
    from animeds_db.web.client import RemoteDataset, connect

__version__ = "0.1.0"
__all__ = ["AnimedsError", "Dataset", "RemoteDataset", "__version__", "connect", "create", "make", "open"]


def __getattr__(name: str) -> Any:
    if name in ("Dataset", "create", "open"):
        from animeds_db import dataset

        return getattr(dataset, name)
    if name == "make":
        from animeds_db.recipes import make

        return make
    if name in ("RemoteDataset", "connect"):
        from animeds_db.web import client

        return getattr(client, name)
    raise AttributeError(f"module 'animeds_db' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
