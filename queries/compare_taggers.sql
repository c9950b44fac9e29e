-- name: compare_taggers
-- Tags on which two taggers differ most, over the frames that both have seen.
-- n_first and n_second count frames that bear the tag, only_first and only_second those where the other
-- disagrees; mean_first and mean_second are mean scores, a score below the floor of 0.1 counting as 0.
-- A tag that one of the two does not know stands at the top: restrict by category, or read on.
-- param first: text = null         a tagger's id or name; null is the one that has seen most frames
-- param second: text = null        the other; null is the one that has seen most frames besides `first`
-- param threshold: real = 0.35     score that counts as bearing, 0…1
-- param category: general|character|copyright|artist|rating|meta = null   null is all
-- param limit: int = 50            at most so many tags; null is all
WITH taggers AS (
    SELECT model, split_part(model, '@', 1) AS name, count(*) AS n FROM taggings GROUP BY model
),

one AS (
    SELECT model
    FROM taggers
    WHERE ($first IS NULL OR $first IN (model, name))
      AND ($first IS NOT NULL OR $second IS NULL OR $second NOT IN (model, name))
    ORDER BY n DESC, model
    LIMIT 1
),

other AS (
    SELECT model
    FROM taggers
    WHERE ($second IS NULL OR $second IN (model, name)) AND model <> (SELECT model FROM one)
    ORDER BY n DESC, model
    LIMIT 1
),

of_one AS (SELECT frame_id, tag_ids, tag_scores FROM taggings WHERE model = (SELECT model FROM one)),

of_other AS (SELECT frame_id, tag_ids, tag_scores FROM taggings WHERE model = (SELECT model FROM other)),

shared AS (
    SELECT frame_id, of_one.tag_ids AS a, of_one.tag_scores AS a_scores, of_other.tag_ids AS b, of_other.tag_scores AS b_scores
    FROM of_one
    JOIN of_other USING (frame_id)
),

scores AS (  -- a row per frame and tag that at least one of them gave
    SELECT tag_id, coalesce(a.score, 0) AS first_score, coalesce(b.score, 0) AS second_score
    FROM (SELECT frame_id, unnest(a) AS tag_id, unnest(a_scores) / 100.0 AS score FROM shared) AS a
    FULL JOIN (SELECT frame_id, unnest(b) AS tag_id, unnest(b_scores) / 100.0 AS score FROM shared) AS b
        USING (frame_id, tag_id)
),

counted AS (
    SELECT
        tag_id,
        count(*) FILTER (WHERE first_score >= $threshold) AS n_first,
        count(*) FILTER (WHERE second_score >= $threshold) AS n_second,
        count(*) FILTER (WHERE first_score >= $threshold AND second_score < $threshold) AS only_first,
        count(*) FILTER (WHERE second_score >= $threshold AND first_score < $threshold) AS only_second,
        sum(first_score) AS sum_first,
        sum(second_score) AS sum_second
    FROM scores
    GROUP BY tag_id
)

SELECT
    tag,
    category,
    n_first,
    n_second,
    only_first,
    only_second,
    round(sum_first / (SELECT count(*) FROM shared), 3) AS mean_first,
    round(sum_second / (SELECT count(*) FROM shared), 3) AS mean_second,
    (SELECT model FROM one) AS "first",
    (SELECT model FROM other) AS "second"
FROM counted
JOIN vocabulary USING (tag_id)
WHERE $category IS NULL OR category = $category
ORDER BY only_first + only_second DESC, abs(sum_first - sum_second) DESC, tag
LIMIT $limit;
