-- What people said, as it counts now: the newest word about each thing, without what they took back.
--
-- field         character, appearance, tag, frame (value: keep or drop), name (of subject), cluster (a face of a
--               cluster that was merged or split; value: one person, or person 1, person 2, … of that act)
-- op            set; for tags add or remove
-- detection_id  the face, head or person that a character or appearance holds for now; see box_labels
-- in_database   false where the frame is gone: its source was deleted, or is sampled in another way
CREATE OR REPLACE VIEW labels AS
SELECT
    said.label_id,
    said.act,
    said.field,
    said.op,
    said.subject,
    said.value,
    said.frame_id,
    counting.detection_id,
    said.frame_id IS NULL OR said.frame_id IN (SELECT frame_id FROM lance_frames) AS in_database,
    said.who,
    said."at" AS said_at,
    said.source_id,
    said.kind,
    said."left",
    said."top",
    said."right",
    said."bottom"
FROM said
JOIN (
    SELECT label_id, NULL AS detection_id FROM tag_labels
    UNION ALL
    SELECT label_id, NULL FROM frame_labels
    UNION ALL
    SELECT label_id, detection_id FROM box_labels
    UNION ALL
    SELECT max(label_id), NULL FROM said WHERE field = 'name' GROUP BY subject
    UNION ALL
    SELECT label_id, NULL FROM said WHERE field = 'cluster'
) AS counting USING (label_id)
WHERE said.field <> 'name' OR said.op = 'set';
