"""The routes below /api, a module per kind of thing. They parse, ask the service, and shape the answer."""

from __future__ import annotations

from animeds_db.web.api import exports, facts, frames, labels, sql

ROUTERS = (frames.router, sql.router, facts.router, labels.router, exports.router)
