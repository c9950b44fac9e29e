-- How many frames of a selection bear each tag, most first. Counted by number and named at the end: faster.
--
-- {within}   a condition over frames
SELECT tag AS value, n AS count
FROM (
    SELECT tag_id, count(*) AS n
    FROM (SELECT unnest(tag_ids) AS tag_id FROM frames WHERE {within})
    GROUP BY tag_id
)
JOIN vocabulary USING (tag_id)
ORDER BY count DESC, value
