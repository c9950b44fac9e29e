-- name: tag_counts
-- Number of frames with each tag, most frequent first.
-- share is relative to all frames that were tagged.
-- param threshold: real = null     minimum score of a tag, 0…1; null is the tagger's own threshold
-- param category: general|character|copyright|artist|rating|meta|year|quality|model = null   null is all
-- param limit: int = 100           maximum number of tags; null is all
WITH scored AS (
    SELECT
        unnest(CASE WHEN $threshold IS NULL THEN tag_ids ELSE all_scores.tag_ids END) AS tag_id,
        unnest(CASE WHEN $threshold IS NULL THEN tag_scores ELSE all_scores.scores END) / 1000.0 AS score
    FROM frames
),

counted AS (  -- by number: twice as fast as by name
    SELECT tag_id, count(*) AS n_frames, avg(score) AS mean_score
    FROM scored
    WHERE $threshold IS NULL OR score >= $threshold
    GROUP BY tag_id
)

SELECT
    tag,
    category,
    n_frames,
    n_frames / (SELECT count(tag_ids) FROM frames) AS share,
    round(mean_score, 3) AS mean_score
FROM counted
JOIN vocabulary USING (tag_id)
WHERE $category IS NULL OR category = $category
ORDER BY n_frames DESC, tag
LIMIT $limit;
