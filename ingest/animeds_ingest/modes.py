"""The sampling modes by name; `sampling` describes them. Light to import, for help and completion."""

from __future__ import annotations

MODES = ("keyframes", "iframes", "changes", "scenes", "shots", "every", "all")
EXAMPLES = tuple("every=2s" if mode == "every" else mode for mode in MODES)
"""The modes as a person writes them: `every` needs a time."""
