-- The kind of a box by the letter in its id, which is the frame's id, a hyphen, that letter and a number.
CREATE OR REPLACE MACRO box_kind(detection_id, frame_id) AS
CASE substr(detection_id, length(frame_id) + 2, 1)
    WHEN 'f' THEN 'face'
    WHEN 'h' THEN 'head'
    WHEN 'b' THEN 'halfbody'
    WHEN 'p' THEN 'person'
END;
