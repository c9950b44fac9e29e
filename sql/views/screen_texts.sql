-- The text that can be read on frames: one row per piece of text. `animeds read-text --ocr` reads it.
--
--     SELECT frame_id, text FROM screen_texts WHERE contains(lower(text), 'hospital')
--
-- place   1, 2, 3 …: from top to bottom
-- score   0…1; model is the id of the reader
-- left, top, right, bottom are relative to the displayed frame, 0…1, origin at the top left.
CREATE OR REPLACE VIEW screen_texts AS
SELECT
    frame_id, source_id, "show", season, episode, place,
    piece.text, piece.score, piece."left", piece.top, piece."right", piece.bottom, -- noqa: RF01 (fields of a struct)
    model
FROM (
    SELECT *, unnest(texts) AS piece, generate_subscripts(texts, 1) AS place
    FROM lance_screen_texts
) AS read;
