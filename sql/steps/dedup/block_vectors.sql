-- The vectors of a range of frames.
--
-- $first, $last   the first and last frame_id, both included
SELECT
    frame_id,
    embedder,
    embedding
FROM frames
WHERE frame_id BETWEEN $first AND $last
