-- The vectors of the frames that are compared, in any order.
--
-- wanted   id: only those are, unless $every
SELECT frame_id AS id, embedding AS vector, embedder AS model
FROM frames
WHERE $every OR frame_id IN (SELECT id FROM wanted)
