-- Frames that are similar to a frame, the most similar first:
--
--     SELECT * FROM similar_to('k3f9a2qd-000754212') LIMIT 9
--
-- similarity is the cosine of the vectors. The frame itself is left out. Vectors of different models cannot be compared
-- and give an error.
-- Every frame is compared here. Among 100,000 frames or more, `animeds search --frame ID` answers many times sooner.
CREATE OR REPLACE MACRO similar_to(id) AS TABLE
SELECT
    frames.*,
    CASE
        WHEN frames.embedder = wanted.embedder THEN cosine(frames.embedding, wanted.embedding)
        ELSE error(format(
            'The vectors of {} and {} cannot be compared. Use one model: animeds embed --model NAME --use',
            wanted.embedder,
            frames.embedder
        ))
    END AS similarity
FROM frames, (SELECT embedding, embedder FROM frames WHERE frame_id = id AND embedder IS NOT NULL) AS wanted
WHERE frame_id <> id AND frames.embedding IS NOT NULL
ORDER BY similarity DESC, frame_id;
