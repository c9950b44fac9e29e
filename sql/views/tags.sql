-- One row per frame and tag that counts. score is 0…1, as the model gave it; model is the tagger's id, or 'label'
-- where a person added the tag. What people removed is not here.
--
-- Only of the tagger that counts, and at its own threshold, as in frames.tags. `scored_tags` has what lies below
-- the threshold too, `all_tags` the tags of every tagger.
--
-- Counting by tag_id and naming afterwards is several times faster than counting by tag.
CREATE OR REPLACE VIEW tags AS
SELECT
    borne.frame_id,
    vocabulary.tag,
    vocabulary.category,
    borne.per_cent / 100.0 AS score,
    borne.source_id,
    CASE WHEN list_contains(borne.added_tags, borne.tag_id) THEN 'label' ELSE borne.tagger END AS model,
    borne.tag_id
FROM (
    SELECT frame_id, source_id, tagger, added_tags, unnest(sure_tags) AS tag_id, unnest(sure_scores) AS per_cent
    FROM tagged_frames
) AS borne
JOIN vocabulary USING (tag_id);
