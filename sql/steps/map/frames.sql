-- The frames on the map: those with a vector; of more than {most}, that many picked at random, the same ones each time.
--
-- {most}  a whole number
-- gives   id, frame_id, source_id, model
SELECT frame_id AS id, frame_id, source_id, embedder AS model
FROM frames
WHERE embedder IS NOT NULL
QUALIFY row_number() OVER (ORDER BY shuffled(frame_id), frame_id) <= {most}
ORDER BY frame_id
