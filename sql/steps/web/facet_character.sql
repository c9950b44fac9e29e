-- In how many frames of a selection each character is.
--
-- {within}   a condition over frame_id
SELECT character AS value, count(DISTINCT frame_id) AS count
FROM named
WHERE character IS NOT NULL AND {within}
GROUP BY character
ORDER BY count DESC, value
