-- The vectors of the frames to compare, in any order.
--
-- wanted   id: the frames to compare, unless $every is true
SELECT frame_id AS id, embedding AS vector, embedder AS model
FROM frames
WHERE $every OR frame_id IN (SELECT id FROM wanted)
