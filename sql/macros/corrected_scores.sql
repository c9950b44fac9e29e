-- The scores of corrected_tags(), in the same order.
CREATE OR REPLACE MACRO corrected_scores(scores, tags, added, mentioned) AS
    CASE
        WHEN added IS NULL THEN scores
        ELSE list_transform(added, lambda tag: 1000::SMALLINT)
            || list_filter(
                coalesce(scores, []), lambda score, i: NOT list_contains(mentioned, tags[i])
            )
    END;
