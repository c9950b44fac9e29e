-- Descriptions that people wrote (value), the newest label per frame or box. detection_id is null for a whole frame.
CREATE OR REPLACE VIEW description_labels AS
SELECT label_id, act, frame_id, NULL AS detection_id, value, who, "at", source_id, "show", season, episode
FROM (
    SELECT *
    FROM active_labels
    WHERE field = 'description' AND kind IS NULL
    QUALIFY row_number() OVER (PARTITION BY frame_id ORDER BY label_id DESC) = 1
)
WHERE op = 'set'
UNION ALL
SELECT label_id, act, frame_id, detection_id, value, who, "at", source_id, "show", season, episode
FROM box_labels
WHERE field = 'description' AND detection_id IS NOT NULL;
