-- The frames most like a vector, best first.
--
-- $vector   of the model that made the frames' vectors
-- $k        how many
-- {width}   of the vector
-- {where}   a condition on the view frames, under which all have a vector
WITH nearest AS (
    SELECT
        frame_id, source_id, "show", season, episode, time_s, tag_ids,
        array_cosine_similarity(embedding, $vector::FLOAT[{width}]) AS similarity
    FROM frames
    WHERE {where}
    ORDER BY similarity DESC, frame_id
    LIMIT $k
)

-- Only now the words of the tags: for all frames they would take as long as the comparison.
SELECT
    frame_id, source_id, "show", season, episode, time_s, similarity,
    list_select(getvariable('tag_names'), tag_ids) AS tags
FROM nearest
ORDER BY similarity DESC, frame_id
