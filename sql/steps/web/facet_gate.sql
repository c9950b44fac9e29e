-- How many frames of a selection pass the quality gates, or fail which of them first.
--
-- {within}   a condition over frame_id
SELECT gate AS value, count(*) AS count
FROM gates()
WHERE {within}
GROUP BY gate
ORDER BY count DESC, value
