-- The kind of a box, from its id. The id is the frame's id, a hyphen, the kind, and a number. The four kinds of boxes
-- of people are one letter there.
CREATE OR REPLACE MACRO box_kind(detection_id, frame_id) AS
CASE regexp_extract(substr(detection_id, length(frame_id) + 2), '^[a-z_]+')
    WHEN 'f' THEN 'face'
    WHEN 'h' THEN 'head'
    WHEN 'b' THEN 'halfbody'
    WHEN 'p' THEN 'person'
    ELSE nullif(regexp_extract(substr(detection_id, length(frame_id) + 2), '^[a-z_]+'), '')
END;
