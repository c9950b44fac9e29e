-- One row per frame, tagger and stored tag (from 0.1); score is 0…1. To compare taggers: `tags` has those that count.
--
--     SELECT model, count(*) FROM all_tags WHERE tag = 'smile' AND score >= 0.5 GROUP BY model
CREATE OR REPLACE VIEW all_tags AS
SELECT
    borne.frame_id,
    vocabulary.tag,
    vocabulary.category,
    borne.per_cent / 100.0 AS score,
    borne.source_id,
    borne.model,
    borne.tag_id
FROM (
    SELECT frame_id, source_id, model, unnest(all_scores.tag_ids) AS tag_id, unnest(all_scores.scores) AS per_cent
    FROM taggings
) AS borne
JOIN vocabulary USING (tag_id);
