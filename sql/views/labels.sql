-- The labels in force: the newest label about each thing, without those that were undone.
--
-- act           id of the change set: the labels of one command or click
-- field         character, appearance, tag, frame (value: keep or drop), description, crop (value:
--               left,top,right,bottom, 0…1), mask (of the part in subject; `masks` has its shape), name (of subject),
--               cluster (a face of a cluster that was merged or split; value: one person, or person 1, person 2, … of
--               that change set), stretch (of the pts in subject, such as 1024_53248; value: keep, drop or cut),
--               speaker (of the subtitles, in subject; value: character)
-- op            set; for tags add or remove
-- detection_id  the face, head or person that has this character, appearance, description or crop now; see box_labels
-- in_database   false if the frame is gone: its source was deleted or is sampled differently
CREATE OR REPLACE VIEW labels AS
SELECT
    active.label_id,
    active.act,
    active.field,
    active.op,
    active.subject,
    CASE active.field WHEN 'mask' THEN 'drawn by hand' ELSE active.value END AS value,
    active.frame_id,
    counting.detection_id,
    active.frame_id IS NULL OR active.frame_id IN (SELECT frame_id FROM lance_frames) AS in_database,
    active.who,
    active."at" AS said_at,
    active.source_id,
    active.kind,
    active."left",
    active."top",
    active."right",
    active."bottom"
FROM active_labels AS active
JOIN (
    SELECT label_id, NULL AS detection_id FROM tag_labels
    UNION ALL
    SELECT label_id, NULL FROM frame_labels
    UNION ALL
    SELECT label_id, detection_id FROM box_labels
    UNION ALL
    SELECT label_id, NULL FROM description_labels WHERE detection_id IS NULL
    UNION ALL
    SELECT label_id, detection_id FROM drawn_labels
    UNION ALL
    SELECT max(label_id), NULL FROM active_labels WHERE field = 'name' GROUP BY subject
    UNION ALL
    SELECT label_id, NULL FROM active_labels WHERE field = 'cluster'
    UNION ALL
    SELECT label_id, NULL FROM stretch_labels
    UNION ALL
    SELECT label_id, NULL FROM speaker_names
) AS counting USING (label_id)
WHERE active.field <> 'name' OR active.op = 'set';
