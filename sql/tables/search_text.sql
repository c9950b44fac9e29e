-- Frames that match a text, best first:
--
--     SELECT frame_id, similarity FROM search_text('red hair, smiling') LIMIT 9
--
-- similarity is the cosine of the text's vector and the frame's vector. The text's vector comes from the text encoder
-- of the model that made the frames' vectors.
CREATE OR REPLACE MACRO search_text(words) AS TABLE
SELECT frames.*, list_cosine_similarity(frames.embedding, wanted.vector) AS similarity
FROM frames, (SELECT text_vector(words) AS vector) AS wanted
WHERE frames.embedding IS NOT NULL
ORDER BY similarity DESC, frame_id;
