-- Characters whose name is on a picture as a whole, not on one of its faces: tags of characters that people or sidecars
-- gave it, under the names of now. `tag` is the tag; a tagger's own tags of characters are not here.
CREATE OR REPLACE VIEW picture_names AS
SELECT t.frame_id, t.tag, coalesce(names.final, t.written) AS character, t.label_id
FROM tag_labels AS t
LEFT JOIN names ON names.name = t.written
WHERE getvariable('tags_labelled')  -- out here: while it is false, DuckDB plans no join at all
    AND t.op = 'add' AND t.category = 'character'
    AND is_known(t.written) AND t.written NOT IN ('anonymous', 'original');
