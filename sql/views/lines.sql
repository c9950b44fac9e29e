-- The subtitles of videos: one row per line that has words. `animeds ingest` and `animeds read-text` read them.
--
-- start_s, end_s  seconds from the start of the video, as frames.time_s
-- kind            dialogue | sign | song
-- text            on one line, without markup; raw: as it is in the track
-- speaker         the name that the subtitler wrote, if any; `animeds characters voices` compares it with faces
-- said_by         the character that a person confirmed for this speaker (`animeds label speaker`)
-- song            opening | ending, if the style's name says so
-- track           index of the stream in the video; null for a file beside it, whose name is in track_title
-- origin          track | file | ocr: burned in, and read from the pictures by `animeds read-text --ocr`
CREATE OR REPLACE VIEW lines AS
SELECT
    l.line_id, l.source_id, l."show", l.season, l.episode, l.start_s, l.end_s, l.kind, l.text, l.speaker, n.said_by,
    l.language, l.style, l.layer, l.song, l.track, l.track_title,
    coalesce(l.origin, CASE WHEN l.track IS NULL THEN 'file' ELSE 'track' END) AS origin,
    l.raw
FROM lance_lines AS l
LEFT JOIN speaker_names AS n ON n.speaker = l.speaker;
