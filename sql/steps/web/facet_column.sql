-- How many frames of a selection have each value of a column.
--
-- {column}   an expression over frames
-- {within}   a condition over frames
-- {order}    by count, or by value
SELECT ({column})::VARCHAR AS value, count(*) AS count
FROM frames
WHERE {within}
GROUP BY {column}
ORDER BY {order}
