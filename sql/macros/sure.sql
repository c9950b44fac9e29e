-- The tags of a frame that the tagger was at least so sure of; for has_tag, has_all, has_any and the counts.
--
--     SELECT frame_id FROM frames WHERE has_all(sure(tag_ids, tag_scores, 0.6), ['smile', 'closed_eyes'])
--
-- threshold is 0…1. Scores below 0.1 are not stored.
CREATE OR REPLACE MACRO sure(tags, scores, threshold) AS
    list_filter(tags, lambda tag, place: scores[place] / 100.0 >= threshold);
