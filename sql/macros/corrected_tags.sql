-- A frame's tags (numbers) with people's corrections: first the added tags, then the tags without a correction.
-- Unchanged if `added` is NULL. corrected_scores() gives their scores in thousandths: 1000 for an added tag.
CREATE OR REPLACE MACRO corrected_tags(tags, added, mentioned) AS
    CASE
        WHEN added IS NULL THEN tags
        ELSE added || list_filter(coalesce(tags, []), lambda tag: NOT list_contains(mentioned, tag))
    END;
