-- The cosine of two vectors of the same model, -1…1. NULL if one of them is missing.
--
--     SELECT b.frame_id FROM frames a, frames b
--     WHERE a.frame_id = 'k3f9a2qd-000754212' ORDER BY cosine(a.embedding, b.embedding) DESC LIMIT 9
CREATE OR REPLACE MACRO cosine(a, b) AS array_cosine_similarity(a, b);
