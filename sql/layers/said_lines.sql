-- The lines of dialogue of one track of each source: the others say the same in other languages.
CREATE OR REPLACE VIEW said_lines AS
SELECT *
FROM lines
WHERE kind = 'dialogue'
QUALIFY 1 = dense_rank() OVER (PARTITION BY source_id ORDER BY track NULLS LAST, track_title NULLS LAST);
