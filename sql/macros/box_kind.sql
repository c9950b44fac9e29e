-- The kind of a box, from its id. The id is the frame's id, a hyphen, a letter for the kind, and a number.
CREATE OR REPLACE MACRO box_kind(detection_id, frame_id) AS
CASE substr(detection_id, length(frame_id) + 2, 1)
    WHEN 'f' THEN 'face'
    WHEN 'h' THEN 'head'
    WHEN 'b' THEN 'halfbody'
    WHEN 'p' THEN 'person'
END;
