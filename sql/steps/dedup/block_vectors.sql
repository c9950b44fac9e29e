-- The vectors of some frames that follow each other by their ids. Parameters: $first, $last (both included).
SELECT
    frame_id,
    embedder,
    embedding
FROM frames
WHERE frame_id BETWEEN $first AND $last
