-- The frames with people's corrections of their tags: added tags come first, with a score of 1000, and removed tags are
-- left out. Replaces sql/layers/tagged_frames.sql.
CREATE OR REPLACE VIEW tagged_frames AS
WITH corrected AS (
    SELECT
        frame_id,
        coalesce(list(tag_id ORDER BY label_id) FILTER (WHERE op = 'add'), []::INTEGER[]) AS added,
        list(tag_id) AS mentioned
    FROM tag_labels
    GROUP BY frame_id
)

SELECT
    seen.* REPLACE (
        corrected_tags(seen.tags, added, mentioned) AS tags,
        corrected_scores(seen.tag_scores, seen.tags, added, mentioned) AS tag_scores,
        corrected_tags(seen.sure_tags, added, mentioned) AS sure_tags,
        corrected_scores(seen.sure_scores, seen.sure_tags, added, mentioned) AS sure_scores,
        CASE
            WHEN added IS NULL THEN seen.sure_names
            ELSE list_select(getvariable('tag_names'), corrected_tags(seen.sure_tags, added, mentioned))
        END AS sure_names
    ),
    corrected.added AS added_tags
FROM model_frames AS seen
LEFT JOIN corrected USING (frame_id);
