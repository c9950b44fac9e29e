-- Does a tag count? At `threshold` (0…1) where one is asked for, else as its tagger decided (`counts`); at 0.35 where
-- nobody decided: tags that a caller made up.
CREATE OR REPLACE MACRO reaches(score, counts, threshold) AS
    CASE WHEN threshold IS NULL THEN coalesce(counts, round(score, 4) >= 0.35) ELSE round(score, 4) >= threshold END;

-- The same for all tags of a frame: those that count, as numbers.
CREATE OR REPLACE MACRO tags_at(tags, scores, sure_tags, threshold) AS
    CASE WHEN threshold IS NULL THEN sure_tags ELSE sure({'tag_ids': tags, 'scores': scores}, threshold) END;
