-- The character vectors of the faces to compare, in any order.
--
-- wanted   id: the faces to compare, unless $every is true
SELECT face_id AS id, vector, vector_model AS model
FROM faces
WHERE $every OR face_id IN (SELECT id FROM wanted)
