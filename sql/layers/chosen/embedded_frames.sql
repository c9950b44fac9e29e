-- The frames with the vectors of the model that `animeds embed --use` has chosen. embedding and embedder are NULL for a
-- frame without a vector of this model. Replaces sql/layers/embedded_frames.sql.
--
-- {width}     of that model's vectors
-- {ingested}  its vectors of the ingest: ingested.embedding, or NULL if the column has another width
CREATE OR REPLACE VIEW embedded_frames AS
SELECT
    ingested.* REPLACE (
        CASE
            WHEN ingested.embedder = getvariable('chosen_embedder') THEN {ingested}
            ELSE again.vector::FLOAT[{width}]
        END AS embedding,
        CASE
            WHEN ingested.embedder = getvariable('chosen_embedder') THEN ingested.embedder
            ELSE again.model
        END AS embedder
    )
FROM tagged_frames AS ingested
LEFT JOIN lance_embeddings AS again
    ON again.frame_id = ingested.frame_id AND again.model = getvariable('chosen_embedder');
