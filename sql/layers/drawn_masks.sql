-- Masks that people drew by hand, the newest one per part and frame or box (see drawn_labels).
--
-- detection_id  the box that is masked; NULL: the whole frame, or a box that is not there now
-- left, top, right, bottom are the region that the shape covers, 0…1 of the frame. coverage is a share of the frame.
CREATE OR REPLACE VIEW drawn_masks AS
SELECT
    label_id, act, frame_id, source_id, "show", season, episode, kind, detection_id,
    subject AS part,
    coalesce("left", 0)::FLOAT AS "left",
    coalesce(top, 0)::FLOAT AS top,
    coalesce("right", 1)::FLOAT AS "right",
    coalesce(bottom, 1)::FLOAT AS bottom,
    from_base64(split_part(value, ',', 2)) AS shape,
    split_part(value, ',', 1)::FLOAT AS coverage
FROM drawn_labels
WHERE field = 'mask';
