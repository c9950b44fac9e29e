-- The character vectors of the faces that are compared, in any order.
--
-- wanted   id: only those are, unless $every
SELECT face_id AS id, vector, vector_model AS model
FROM faces
WHERE $every OR face_id IN (SELECT id FROM wanted)
