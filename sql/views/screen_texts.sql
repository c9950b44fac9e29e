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
    texts[place] AS "text",
    scores[place] AS score,
    boxes[4 * place - 3] AS "left",
    boxes[4 * place - 2] AS top,
    boxes[4 * place - 1] AS "right",
    boxes[4 * place] AS bottom,
    model
FROM (SELECT *, generate_subscripts(texts, 1) AS place FROM lance_screen_texts) AS pieces;
