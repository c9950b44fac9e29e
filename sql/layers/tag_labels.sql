-- Tags that people added to frames or removed from them (op), the newest label per frame and tag.
-- written: the tag as the person wrote it, for example a name with spaces.
CREATE OR REPLACE VIEW tag_labels AS
SELECT
    active.label_id, active.act, active.frame_id, active.source_id, active.op, known.tag, known.tag_id, known.category,
    coalesce(active.subject, active.value) AS written
FROM active_labels AS active
JOIN (
    SELECT tag, min(tag_id) AS tag_id, arg_min(category, tag_id) AS category FROM vocabulary GROUP BY tag
) AS known ON known.tag = active.value
WHERE active.field = 'tag'
QUALIFY row_number() OVER (PARTITION BY active.frame_id, active.value ORDER BY active.label_id DESC) = 1;
