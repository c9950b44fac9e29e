-- Frames on which words are said, sung or written in the subtitles, best first:
--
--     SELECT frame_id, text, speaker FROM search_said('promise') WHERE episode < 5 LIMIT 9
--
-- All words must be in the line, in any case and in their English forms; a phrase in quotes as it is. A line without a
-- frame of its own has the nearest one, away_s seconds away. At most 2,000 lines are found. The columns are those of
-- frames, and text, speaker, kind, start_s, end_s, line_id of the line, away_s and score.
CREATE OR REPLACE MACRO search_said(words) AS TABLE
SELECT
    frames.*,
    l.text,
    l.speaker,
    l.kind,
    l.start_s,
    l.end_s,
    l.line_id,
    found.away_s,
    found.score
FROM (SELECT unnest(said_frames(words), recursive := true)) AS found
JOIN lines AS l USING (line_id)
JOIN frames ON found.frame_id = frames.frame_id
ORDER BY found.score DESC, l.line_id, frames.frame_id;
