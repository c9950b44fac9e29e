-- Labels that conflict with a new label: given since a change set, about the same frames or boxes, with another value.
--
-- $seen     the last change set that the page has seen; null: none
-- $field    character, appearance, tag, frame, description or crop
-- $op       of the new label
-- $value    of the new label
-- $ids      of frames, or of boxes in them
SELECT coalesce(detection_id, frame_id) AS id, field, op, value, who, said_at, act
FROM labels
WHERE field = $field
    AND (
        detection_id IN (SELECT unnest($ids))
        OR (frame_id IN (SELECT unnest($ids)) AND (field NOT IN ('description', 'crop') OR kind IS NULL))
    )
    AND label_id > coalesce((SELECT max(label_id) FROM lance_labels WHERE act = $seen), '')
    AND CASE WHEN field = 'tag' THEN value = $value AND op <> $op ELSE value IS DISTINCT FROM $value END
ORDER BY label_id DESC
LIMIT 20
