-- Frames that people labelled `keep` or `drop` (value), the newest label per frame. Labels of single boxes are
-- left out: they only prevent crops of that box (sql/steps/export/crops.sql).
CREATE OR REPLACE VIEW frame_labels AS
SELECT label_id, act, frame_id, source_id, value
FROM (
    SELECT *
    FROM active_labels
    WHERE field = 'frame' AND kind IS NULL
    QUALIFY row_number() OVER (PARTITION BY frame_id ORDER BY label_id DESC) = 1
)
WHERE op = 'set';
