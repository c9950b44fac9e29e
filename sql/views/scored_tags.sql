-- One row per frame and stored tag (from 0.1), people's corrections applied: `tags` with what lies below the threshold.
--
--     SELECT frame_id, score FROM scored_tags WHERE tag = 'smile' AND score >= 0.2
--
-- counts  the tag is in `tags`: it reaches the tagger's own threshold, or a person added it
CREATE OR REPLACE VIEW scored_tags AS
SELECT
    borne.frame_id,
    vocabulary.tag,
    vocabulary.category,
    borne.per_cent / 100.0 AS score,
    borne.source_id,
    CASE WHEN list_contains(borne.added_tags, borne.tag_id) THEN 'label' ELSE borne.tagger END AS model,
    borne.tag_id,
    list_contains(borne.sure_tags, borne.tag_id) AS counts
FROM (
    SELECT
        frame_id, source_id, tagger, added_tags, sure_tags, unnest(tags) AS tag_id, unnest(tag_scores) AS per_cent
    FROM tagged_frames
) AS borne
JOIN vocabulary USING (tag_id);
