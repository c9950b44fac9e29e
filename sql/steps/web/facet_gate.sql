-- The number of frames of a selection by the first quality gate that they fail.
--
-- {within}   a condition on frame_id
SELECT gate AS value, count(*) AS count
FROM gates()
WHERE {within}
GROUP BY gate
ORDER BY count DESC, value
