-- One row per frame and tag. score is the model's, 0…1. model is the tagger's id, or 'label' for a tag that a person
-- added. Tags that people removed are left out.
--
-- The tags are those of frames.tags: from the tagger in use, at its own threshold. `scored_tags` also has the tags
-- below the threshold, `all_tags` the tags of every tagger.
--
-- Counting by tag_id and looking up the names afterwards is about twice as fast as counting by tag.
CREATE OR REPLACE VIEW tags AS
SELECT
    scored.frame_id,
    vocabulary.tag,
    vocabulary.category,
    scored.thousandths / 1000.0 AS score,
    scored.source_id,
    CASE WHEN list_contains(scored.added_tags, scored.tag_id) THEN 'label' ELSE scored.tagger END AS model,
    scored.tag_id
FROM (
    SELECT frame_id, source_id, tagger, added_tags, unnest(sure_tags) AS tag_id, unnest(sure_scores) AS thousandths
    FROM tagged_frames
    UNION ALL BY NAME
    SELECT tag_id FROM no_tags
) AS scored
JOIN vocabulary USING (tag_id);
