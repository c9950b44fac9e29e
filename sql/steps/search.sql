-- The frames most like a vector, best first.
--
-- $vector   of the model that made the frames' vectors
-- $k        how many
-- {{where}}   a condition on the view frames, under which all have a vector
SELECT
    frame_id, source_id, "show", season, episode, time_s,
    array_cosine_similarity(embedding, $vector::FLOAT[{width}]) AS similarity,
    tags
FROM frames
WHERE {where}
ORDER BY similarity DESC, frame_id
LIMIT $k
