-- The faces on the map: those with a vector; of more than {most}, that many picked at random, the same ones each time.
--
-- {most}  a whole number
-- gives   id, frame_id, source_id, model
SELECT face_id AS id, frame_id, source_id, vector_model AS model
FROM faces
WHERE vector_model IS NOT NULL
QUALIFY row_number() OVER (ORDER BY shuffled(face_id), face_id) <= {most}
ORDER BY face_id
