-- The tags in use of each tagged box, with people's corrections of its frame: detection_id, frame_id, kind, tags,
-- tag_scores, sure_tags (as in `box_tags`).
--
-- Of several taggers, the one chosen with `animeds tag --use` is used, or else the one that was added to the database
-- last. A tag that people removed from the frame is removed from its boxes. A tag that they added is added, unless it
-- is about looks or clothes and the frame has several boxes of this kind: it may belong to another person.
CREATE OR REPLACE VIEW used_box_tags AS
WITH used AS (
    SELECT b.*
    FROM lance_box_tags AS b
    JOIN lance_models AS m ON m.model_id = b.model
    QUALIFY 1 = row_number() OVER (
        PARTITION BY b.detection_id
        ORDER BY coalesce(b.model = getvariable('chosen_tagger'), false) DESC, m.added_at DESC, b.model
    )
),

crowded AS (
    SELECT *, count(*) OVER (PARTITION BY frame_id, kind) > 1 AS has_others FROM used
),

mentioned AS (
    SELECT
        frame_id,
        coalesce(list(tag_id ORDER BY label_id) FILTER (op = 'add'), [])::INTEGER[] AS added,
        coalesce(list(tag_id ORDER BY label_id) FILTER (
            op = 'add' AND NOT (is_hair_tag(tag) OR is_eye_tag(tag) OR is_outfit_tag(tag) OR is_people_tag(tag))
        ), [])::INTEGER[] AS added_for_all,
        list(tag_id) AS tag_ids
    FROM tag_labels
    WHERE getvariable('tags_labelled')  -- at this level, DuckDB plans no join while it is false
    GROUP BY frame_id
),

corrections AS (
    SELECT c.*, CASE WHEN has_others THEN added_for_all ELSE added END AS added, m.tag_ids AS mentioned
    FROM crowded AS c
    LEFT JOIN mentioned AS m USING (frame_id)
)

SELECT
    detection_id,
    frame_id,
    kind,
    corrected_tags(tags, added, mentioned) AS tags,
    corrected_scores(tag_scores, tags, added, mentioned) AS tag_scores,
    corrected_tags(sure_tags, added, mentioned) AS sure_tags
FROM corrections
WHERE getvariable('boxes_tagged');  -- at this level, DuckDB reads nothing while it is false
