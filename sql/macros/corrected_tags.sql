-- A frame's tags (numbers) after people's corrections: first those that were added, then those that nobody corrected.
-- Unchanged if `added` is NULL. corrected_scores() has their scores in per cent: 100 for a tag that was added.
CREATE OR REPLACE MACRO corrected_tags(tags, added, mentioned) AS
    CASE
        WHEN added IS NULL THEN tags
        ELSE added || list_filter(coalesce(tags, []), lambda tag: NOT list_contains(mentioned, tag))
    END;
