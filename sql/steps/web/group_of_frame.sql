-- The group of near-duplicates of a frame, which may be of other sources: the frame that is kept, and the others.
--
-- {id}   the frame, as a literal
SELECT group_id, frame_id, keeper, similarity, reason
FROM duplicates
WHERE group_id IN (SELECT group_id FROM duplicates WHERE frame_id = {id})
ORDER BY keeper DESC, frame_id
