-- Characters named for a picture as a whole, not for one of its faces: character tags from people or sidecar files,
-- under the current name. Character tags from a tagger are left out.
CREATE OR REPLACE VIEW picture_names AS
SELECT t.frame_id, t.tag, coalesce(names.final, t.written) AS character, t.label_id
FROM tag_labels AS t
LEFT JOIN names ON names.name = t.written
WHERE getvariable('tags_labelled')  -- at this level, DuckDB plans no join while it is false
    AND t.op = 'add' AND t.category = 'character'
    AND is_known(t.written) AND t.written NOT IN ('anonymous', 'original');
