-- Frames that people want to keep or to drop (value), the newest word per frame. What was said of one box of a
-- frame is not here: a dropped box only gives no crops (sql/steps/export/crops.sql).
CREATE OR REPLACE VIEW frame_labels AS
SELECT label_id, act, frame_id, source_id, value
FROM (
    SELECT *
    FROM active_labels
    WHERE field = 'frame' AND kind IS NULL
    QUALIFY row_number() OVER (PARTITION BY frame_id ORDER BY label_id DESC) = 1
)
WHERE op = 'set';
