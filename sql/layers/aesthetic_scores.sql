-- The aesthetic score of each frame that an aesthetic model has tagged (`animeds tag --model anime-aesthetic`).
--
-- score   0 (worst) … 6 (masterpiece): the mean rank of the model's labels, weighted by their probabilities, as in
--         imgutils. Probabilities below 0.1 are not stored, so the weights are those that are left.
CREATE OR REPLACE VIEW aesthetic_scores AS
WITH labels AS (
    SELECT frame_id, unnest(all_scores.tag_ids) AS tag_id, unnest(all_scores.scores) AS thousandths
    FROM taggings AS t
    SEMI JOIN (SELECT model_id FROM lance_models WHERE task = 'aesthetic') AS m ON m.model_id = t.model
),

ranked AS (
    SELECT
        frame_id,
        thousandths,
        list_position(
            ['worst', 'low', 'normal', 'good', 'great', 'best', 'masterpiece'], getvariable('tag_names')[tag_id]
        ) - 1 AS rank
    FROM labels
)

SELECT frame_id, sum(rank * thousandths) / sum(thousandths) AS score
FROM ranked
WHERE rank IS NOT NULL
GROUP BY frame_id;
