"""`Dataset`, the main object of the Python API, and the functions that open or create one."""

from animeds_db.dataset.dataset import Dataset, create, open, open_or_create  # noqa: A004 (animeds_db.open reads well)
from animeds_db.dataset.ingesting import find_sources, sampling_modes

__all__ = ["Dataset", "create", "find_sources", "open", "open_or_create", "sampling_modes"]
