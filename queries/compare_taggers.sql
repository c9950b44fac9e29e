-- name: compare_taggers
-- Tags on which two taggers differ most, over the frames that both have seen.
-- n_first and n_second count frames that have the tag, only_first and only_second those where the other
-- disagrees; mean_first and mean_second are mean scores, a score below the floor of 0.1 counting as 0.
-- Tags that only one of the two knows come first. Use category to narrow the list.
-- param first: text = null         a tagger's id or name; null is the one with the most frames
-- param second: text = null        the other; null is the one with the most frames besides `first`
-- param threshold: real = null     minimum score of a tag, 0…1; null is each tagger's own threshold
-- param category: general|character|copyright|artist|rating|meta|year|quality|model = null   null is all
-- param limit: int = 50            maximum number of tags; null is all
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

of_one AS (SELECT frame_id, tag_ids, all_scores FROM taggings WHERE model = (SELECT model FROM one)),

of_other AS (SELECT frame_id, tag_ids, all_scores FROM taggings WHERE model = (SELECT model FROM other)),

shared AS (
    SELECT
        frame_id,
        of_one.tag_ids AS a_sure, of_one.all_scores AS a,
        of_other.tag_ids AS b_sure, of_other.all_scores AS b
    FROM of_one
    JOIN of_other USING (frame_id)
),

scores AS (  -- a row per frame and tag that at least one of them gave
    SELECT
        tag_id,
        coalesce(a.score, 0) AS first_score,
        coalesce(b.score, 0) AS second_score,
        coalesce(reaches(a.score, list_contains(a.sure_ids, tag_id), $threshold), false) AS in_first,
        coalesce(reaches(b.score, list_contains(b.sure_ids, tag_id), $threshold), false) AS in_second
    FROM (
        SELECT frame_id, a_sure AS sure_ids, unnest(a.tag_ids) AS tag_id, unnest(a.scores) / 1000.0 AS score FROM shared
    ) AS a
    FULL JOIN (
        SELECT frame_id, b_sure AS sure_ids, unnest(b.tag_ids) AS tag_id, unnest(b.scores) / 1000.0 AS score FROM shared
    ) AS b
        USING (frame_id, tag_id)
),

counted AS (
    SELECT
        tag_id,
        count(*) FILTER (WHERE in_first) AS n_first,
        count(*) FILTER (WHERE in_second) AS n_second,
        count(*) FILTER (WHERE in_first AND NOT in_second) AS only_first,
        count(*) FILTER (WHERE in_second AND NOT in_first) AS only_second,
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
