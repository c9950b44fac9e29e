-- name: tag_counts
-- How many frames bear each tag, most frequent first.
-- share is of all frames that were tagged.
-- param threshold: real = 0.35     score that counts as bearing, 0…1
-- param category: general|character|copyright|artist|rating|meta = null   null is all
-- param limit: int = 100           at most so many tags; null is all
WITH borne AS (
    SELECT unnest(tag_ids) AS tag_id, unnest(tag_scores) / 100.0 AS score
    FROM frames
),

counted AS (  -- by number: several times faster than by name
    SELECT tag_id, count(*) AS n_frames, avg(score) AS mean_score
    FROM borne
    WHERE score >= $threshold
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
