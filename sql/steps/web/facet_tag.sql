-- The number of frames of a selection with each tag, most frequent first. It counts tag numbers and looks up the names
-- at the end, which is faster.
--
-- {within}   a condition on frames
SELECT tag AS value, n AS count
FROM (
    SELECT tag_id, count(*) AS n
    FROM (SELECT unnest(tag_ids) AS tag_id FROM frames WHERE {within})
    GROUP BY tag_id
)
JOIN vocabulary USING (tag_id)
ORDER BY count DESC, value
