-- One row per frame and image embedder: the embedder of the ingest, and those of `animeds embed`.
--
-- vector is a list, because models differ in width. Only compare vectors of the same model:
--
--     SELECT b.frame_id FROM embeddings AS a JOIN embeddings AS b USING (model)
--     WHERE a.frame_id = 'k3f9a2qd-000754212' AND model = 'x@1'
--     ORDER BY list_cosine_similarity(a.vector, b.vector) DESC LIMIT 9
CREATE OR REPLACE VIEW embeddings AS
SELECT frame_id, source_id, embedder AS model, embedding::FLOAT[] AS vector
FROM lance_frames
WHERE embedder IS NOT NULL
UNION ALL
SELECT frame_id, source_id, model, vector
FROM lance_embeddings
WHERE getvariable('embedded_again');
