-- Does a tag reach the threshold (0…1)? If the threshold is NULL, the tagger's decision is used (`counts`), and 0.35
-- for tags that did not come from a tagger.
CREATE OR REPLACE MACRO reaches(score, counts, threshold) AS
    CASE WHEN threshold IS NULL THEN coalesce(counts, round(score, 4) >= 0.35) ELSE round(score, 4) >= threshold END;

-- The tags of a frame that reach the threshold, as numbers.
CREATE OR REPLACE MACRO tags_at(tags, scores, sure_tags, threshold) AS
    CASE WHEN threshold IS NULL THEN sure_tags ELSE sure({'tag_ids': tags, 'scores': scores}, threshold) END;
