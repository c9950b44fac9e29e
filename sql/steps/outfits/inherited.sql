-- The outfit of bodies whose clothes are not seen: that of the nearest body of the character in the same shot.
--
-- bodies   row, source_id, shot, ordinal, outfit (from 1; 0: not known)
-- gives    row, outfit, of every row of bodies without an outfit that has such a neighbour; of two that are equally
--          near, the earlier one
SELECT
    b."row",
    arg_min(near.outfit, (abs(near.ordinal - b.ordinal), near.ordinal, near."row")) AS outfit
FROM bodies AS b
JOIN bodies AS near ON near.source_id = b.source_id AND near.shot = b.shot AND near.outfit > 0
WHERE b.outfit = 0
GROUP BY b."row"
ORDER BY b."row"
