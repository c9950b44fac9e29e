-- Tags that people added to frames or removed from them (op), the newest word per frame and tag.
CREATE OR REPLACE VIEW tag_labels AS
SELECT active.label_id, active.act, active.frame_id, active.source_id, active.op, vocabulary.tag, vocabulary.tag_id
FROM active_labels AS active
JOIN (SELECT tag, min(tag_id) AS tag_id FROM vocabulary GROUP BY tag) AS vocabulary ON vocabulary.tag = active.value
WHERE active.field = 'tag'
QUALIFY row_number() OVER (PARTITION BY active.frame_id, active.value ORDER BY active.label_id DESC) = 1;
