-- Frames that look like a text, best first:
--
--     SELECT frame_id, similarity FROM search_text('red hair, smiling') LIMIT 9
--
-- similarity is the cosine of the text's and the frames' vectors. The text goes through the text tower of
-- the model that made the frames' vectors.
CREATE OR REPLACE MACRO search_text(words) AS TABLE
SELECT frames.*, list_cosine_similarity(frames.embedding, wanted.vector) AS similarity
FROM frames, (SELECT text_vector(words) AS vector) AS wanted
WHERE frames.embedding IS NOT NULL
ORDER BY similarity DESC, frame_id;
