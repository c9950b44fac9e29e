-- Who is on the screen while something is said: one row per line of dialogue, frame within it, and face on that frame.
-- A frame without a face has one row, and its face_id is null.
--
--     SELECT frame_id, face_id FROM dialogue WHERE speaker = 'Emi' AND character = 'Emi'
--
-- speaker    the name that the subtitler wrote; said_by: the character that a person confirmed for it
-- character  whose face it is, as in `faces`
CREATE OR REPLACE VIEW dialogue AS
SELECT
    said.frame_id,
    seen.face_id,
    said.line_id,
    said.speaker,
    said.said_by,
    said.text,
    seen.character,
    said.time_s,
    said.start_s,
    said.end_s,
    said.language,
    said.track,
    said.source_id,
    said."show",
    said.season,
    said.episode
FROM frame_lines AS said
LEFT JOIN faces AS seen USING (frame_id)
WHERE said.kind = 'dialogue';
