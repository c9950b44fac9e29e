-- The number of frames of a selection with each value of a column.
--
-- {column}   an expression on frames
-- {within}   a condition on frames
-- {order}    by count, or by value
SELECT ({column})::VARCHAR AS value, count(*) AS count
FROM frames
WHERE {within}
GROUP BY {column}
ORDER BY {order}
