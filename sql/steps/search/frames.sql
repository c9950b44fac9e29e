-- The frames most similar to a vector, best first.
--
-- $vector  a vector of the model that made the frames' vectors
-- $k       number of frames
-- {width}  length of the vector
-- {where}  a condition on frames; all frames that meet it must have a vector
SELECT
    frame_id, source_id, "show", season, episode, time_s,
    array_cosine_similarity(embedding, $vector::FLOAT[{width}]) AS similarity,
    tags
FROM frames
WHERE {where}
ORDER BY similarity DESC, frame_id
LIMIT $k
