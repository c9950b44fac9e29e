-- The subtitles of videos: one row per line that has words. `animeds ingest` and `animeds read-text` read them.
--
-- start_s, end_s  seconds from the start of the video, as frames.time_s
-- kind            dialogue | sign | song
-- text            on one line, without markup; raw: as it is in the track
-- speaker         the name that the subtitler wrote, if any; `animeds characters voices` compares it with faces
-- song            opening | ending, if the style's name says so
-- track           index of the stream in the video; null for a file beside it, whose name is in track_title
-- origin          track | file | ocr: burned in, and read from the pictures by `animeds read-text --ocr`
CREATE OR REPLACE VIEW lines AS
SELECT
    line_id, source_id, "show", season, episode, start_s, end_s, kind, text, speaker, language, style, layer, song,
    track, track_title, coalesce(origin, CASE WHEN track IS NULL THEN 'file' ELSE 'track' END) AS origin, raw
FROM lance_lines;
