-- The tags of a frame with at least this score (0…1), instead of the tagger's own threshold. Use it with has_tag,
-- has_all, has_any and the counts.
--
--     SELECT frame_id FROM frames WHERE has_all(sure(all_scores, 0.2), ['smile', 'closed_eyes'])
--
-- Scores below 0.1 are not stored.
CREATE OR REPLACE MACRO
    sure(all_scores, threshold) AS
        list_filter(all_scores.tag_ids, lambda tag, i: all_scores.scores[i] / 1000.0 >= threshold),
    (tags, scores, threshold) AS
        error('sure() takes the column all_scores and a threshold: sure(all_scores, 0.5).');
