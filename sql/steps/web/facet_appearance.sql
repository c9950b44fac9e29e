-- The number of frames of a selection with each appearance, as CHARACTER/NAME.
--
-- {within}   a condition on frame_id
SELECT concat(character, '/', appearance) AS value, count(DISTINCT frame_id) AS count
FROM characters
WHERE appearance IS NOT NULL AND {within}
GROUP BY value
ORDER BY count DESC, value
