-- What each classifier says about each frame, from `animeds classify-frames`: one row per frame and model.
--
-- about       what it decides: rating, style, portrait, aesthetic …
-- label       its answer; score is the probability of the most probable label, 0…1
-- value       of labels with an order: the mean rank, from 0 for the lowest. Of the others NULL
-- percentile  the share of pictures with a lower value, 0…1, if the model comes with values to compare
-- all_scores  every label with its probability: all_scores['comic']
CREATE OR REPLACE VIEW classifications AS
SELECT
    frame_id, about, label, score, value, percentile,
    map(labels, scores) AS all_scores,
    model, source_id, "show", season, episode
FROM lance_classifications;
