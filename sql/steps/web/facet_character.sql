-- The number of frames of a selection with each character.
--
-- {within}   a condition on frame_id
SELECT character AS value, count(DISTINCT frame_id) AS count
FROM named
WHERE character IS NOT NULL AND {within}
GROUP BY character
ORDER BY count DESC, value
