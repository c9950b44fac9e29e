-- A frame's tags (numbers), and their scores in per cent, after people's corrections: the added ones first, with 100,
-- then those that nobody mentioned. Unchanged where `added` is null.
CREATE OR REPLACE MACRO corrected_tags(tags, added, mentioned) AS
    CASE
        WHEN added IS NULL THEN tags
        ELSE added || list_filter(coalesce(tags, []), lambda tag: NOT list_contains(mentioned, tag))
    END;

CREATE OR REPLACE MACRO corrected_scores(scores, tags, added, mentioned) AS
    CASE
        WHEN added IS NULL THEN scores
        ELSE list_transform(added, lambda tag: 100::TINYINT)
            || list_filter(
                coalesce(scores, []), lambda score, place: NOT list_contains(mentioned, tags[place])
            )
    END;
