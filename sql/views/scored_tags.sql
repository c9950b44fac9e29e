-- One row per frame and stored tag (scores from 0.1), with people's corrections. It is like `tags`, but includes the
-- tags below the threshold.
--
--     SELECT frame_id, score FROM scored_tags WHERE tag = 'smile' AND score >= 0.2
--
-- counts  true if the tag is in `tags`: it reaches the tagger's own threshold, or a person added it
CREATE OR REPLACE VIEW scored_tags AS
SELECT
    scored.frame_id,
    vocabulary.tag,
    vocabulary.category,
    scored.thousandths / 1000.0 AS score,
    scored.source_id,
    CASE WHEN list_contains(scored.added_tags, scored.tag_id) THEN 'label' ELSE scored.tagger END AS model,
    scored.tag_id,
    list_contains(scored.sure_tags, scored.tag_id) AS counts
FROM (
    SELECT
        frame_id, source_id, tagger, added_tags, sure_tags, unnest(tags) AS tag_id, unnest(tag_scores) AS thousandths
    FROM tagged_frames
    UNION ALL BY NAME
    SELECT tag_id FROM no_tags
) AS scored
JOIN vocabulary USING (tag_id);
