-- The aesthetic score of each frame that an aesthetic model has classified (`animeds classify-frames --model
-- anime-aesthetic`).
--
-- score   0 (worst) … 6 (masterpiece): the mean rank of the model's labels, weighted by their probabilities, as in
--         imgutils
CREATE OR REPLACE VIEW aesthetic_scores AS
SELECT frame_id, value::DOUBLE AS score
FROM used_classifications
WHERE about = 'aesthetic' AND value IS NOT NULL;
