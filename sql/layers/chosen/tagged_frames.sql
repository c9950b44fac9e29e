-- The frames with the tags that count: what people added stands first, with a score of 100, and what they
-- removed is gone. Stands in for sql/layers/tagged_frames.sql.
CREATE OR REPLACE VIEW tagged_frames AS
WITH corrected AS (
    SELECT
        frame_id,
        coalesce(list(tag_id ORDER BY label_id) FILTER (WHERE op = 'add'), []::SMALLINT[]) AS added,
        list(tag_id) AS mentioned
    FROM tag_labels
    GROUP BY frame_id
)

SELECT
    seen.* REPLACE (
        CASE WHEN corrected.added IS NULL THEN seen.tags ELSE
            corrected.added
            || list_filter(coalesce(seen.tags, []), lambda tag: NOT list_contains(corrected.mentioned, tag))
        END AS tags,
        CASE WHEN corrected.added IS NULL THEN seen.tag_scores ELSE
            list_transform(corrected.added, lambda tag: 100::TINYINT)
            || list_filter(
                coalesce(seen.tag_scores, []),
                lambda score, place: NOT list_contains(corrected.mentioned, seen.tags[place])
            )
        END AS tag_scores
    ),
    corrected.added AS added_tags
FROM model_frames AS seen
LEFT JOIN corrected USING (frame_id);
