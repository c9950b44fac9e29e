"""Methods of `Dataset` that export what a character says, for trainers of voices."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from animeds_db.session import Session
from animeds_db.store import Store

if TYPE_CHECKING:
    from animeds_db.export.voices import VoiceOptions, Voices, VoicesReport


class Voicing:
    """Methods of `Dataset` for voices."""

    store: Store
    session: Session

    def voices(self, character: str, options: VoiceOptions | None = None) -> Voices:
        """Return the lines that a character says, how long they are, and how many are left out, and why.

        Speakers count whose character a person confirmed (`name_speakers`). Nothing is decoded or written.
        Raises ExportError if there is no such speaker, SourceError if a file is missing or has no such track of sound.
        """
        from animeds_db.export.voices import VoiceOptions, find_voices

        options = options or VoiceOptions()
        return find_voices(self.session, self._voice_sources(), character, options)

    def export_voices(
        self,
        character: str,
        out: str | Path,
        options: VoiceOptions | None = None,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> VoicesReport:
        """Write the lines that a character says to the folder `out`: sound (WAV, cut to the sample) and text.

        The folder has lists for trainers, animeds-voices.json with where every line comes from, and CREDITS.txt.
        Raises as `voices`, ExportError if the folder must not be written or no line can be used, SourceError if a file
        has changed.
        """
        from animeds_db.export.options import Provenance
        from animeds_db.export.voices import VoiceOptions, export_voices, find_voices
        from animeds_ingest.ledger import unchanged

        options = options or VoiceOptions()
        sources = self._voice_sources()
        voices = find_voices(self.session, sources, character, options)
        used = sorted({line.source_id for line in voices.lines})
        columns = ["uri", "other_uris", "content_hash"]
        for row in self.store.take("sources", used, columns).to_pylist():
            unchanged(row)
        provenance = Provenance(self.store.uri, self.session.versions, params={"voices": character})
        return export_voices(voices, sources, Path(out), options, provenance=provenance, progress=progress)

    def _voice_sources(self) -> dict[str, Any]:
        from animeds_db.export.columns.schema import SOURCE_COLUMNS
        from animeds_db.export.pictures.picture import Source
        from animeds_db.remote.paths import present

        columns = ", ".join(f'"{name}"' for name in SOURCE_COLUMNS)
        rows = self.session.arrow(
            f"SELECT {columns}, other_uris FROM sources WHERE source_id IN (SELECT source_id FROM lines)"
        ).to_pylist()
        return {
            row["source_id"]: Source(**row | {"uri": str(present(row["uri"], row.pop("other_uris")))})
            for row in rows
        }
