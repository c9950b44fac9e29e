-- Crops that people drew by hand, the newest one per frame or box (see drawn_labels): exports use them.
--
-- detection_id  the box that is cut out so; NULL: the picture of the whole frame, or a box that is not there now
-- crop          left, top, right, bottom, 0…1 of the frame
CREATE OR REPLACE VIEW drawn_crops AS
SELECT
    label_id, act, frame_id, source_id, kind, detection_id, string_split(value, ',')::DOUBLE[] AS crop
FROM drawn_labels
WHERE field = 'crop';
