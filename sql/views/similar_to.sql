-- Frames like a frame, most like first:
--
--     SELECT * FROM similar_to('k3f9a2qd-000754212') LIMIT 9
--
-- similarity is the cosine of their vectors; the frame itself is left out.
CREATE OR REPLACE MACRO similar_to(id) AS TABLE
SELECT frames.*, cosine(frames.embedding, wanted.embedding) AS similarity
FROM frames, (SELECT embedding FROM frames WHERE frame_id = id) AS wanted
WHERE frame_id <> id AND frames.embedding IS NOT NULL
ORDER BY similarity DESC, frame_id;
