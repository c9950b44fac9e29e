-- The frames most similar to a vector, best first.
--
-- $vector   a vector of the model that made the frames' vectors
-- $k        number of frames
-- {width}   length of the vector
-- {frames}  the view frames, or some of it
-- {where}   a condition on these; all frames that meet it must have a vector
WITH nearest AS (
    SELECT
        frame_id, source_id, "show", season, episode, time_s, tag_ids,
        array_cosine_similarity(embedding, $vector::FLOAT[{width}]) AS similarity
    FROM {frames}
    WHERE {where}
    ORDER BY similarity DESC, frame_id
    LIMIT $k
)

-- The names of the tags are looked up here, for the result only. For all frames, this takes as long as the comparison.
SELECT
    frame_id, source_id, "show", season, episode, time_s, similarity,
    list_select(getvariable('tag_names'), tag_ids) AS tags
FROM nearest
ORDER BY similarity DESC, frame_id
