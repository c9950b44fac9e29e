-- One row per frame and tag. score is 0…1, as the model gave it; model is the tagger's id.
--
-- Where `animeds tag` has run a second tagger, its rows are here as well: count WHERE model = '…'.
-- frames.tags are those of the ingest.
--
-- Counting by tag_id and naming afterwards is several times faster than counting by tag.
CREATE OR REPLACE VIEW tags AS
SELECT
    borne.frame_id,
    vocabulary.tag,
    vocabulary.category,
    borne.per_cent / 100.0 AS score,
    borne.source_id,
    borne.model,
    borne.tag_id
FROM (
    SELECT frame_id, source_id, model, unnest(tag_ids) AS tag_id, unnest(tag_scores) AS per_cent
    FROM taggings
) AS borne
JOIN vocabulary USING (tag_id);
