-- Groups of near-duplicates, largest first, and the total number of groups.
--
-- {within}   a condition on frame_id: groups with such a frame
SELECT group_id, count(*) OVER () AS total
FROM duplicates
WHERE group_id IN (SELECT group_id FROM duplicates WHERE {within})
GROUP BY group_id
ORDER BY count(*) DESC, group_id
