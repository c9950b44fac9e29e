-- One row per frame, tagger and stored tag (scores from 0.1); score is 0…1. Use it to compare taggers. The view
-- `tags` has only the tags above the threshold.
--
--     SELECT model, count(*) FROM all_tags WHERE tag = 'smile' AND score >= 0.5 GROUP BY model
CREATE OR REPLACE VIEW all_tags AS
SELECT
    scored.frame_id,
    vocabulary.tag,
    vocabulary.category,
    scored.thousandths / 1000.0 AS score,
    scored.source_id,
    scored.model,
    scored.tag_id
FROM (
    SELECT frame_id, source_id, model, unnest(all_scores.tag_ids) AS tag_id, unnest(all_scores.scores) AS thousandths
    FROM taggings
    UNION ALL BY NAME
    SELECT tag_id FROM no_tags
) AS scored
JOIN vocabulary USING (tag_id);
