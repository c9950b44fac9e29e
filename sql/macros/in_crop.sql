-- Is a box inside a crop? The middle fifth of the box must be inside, in both directions, as in `crop_faces.py` of the
-- anime screenshot pipeline.
--
--     SELECT face_id FROM faces AS d WHERE in_crop(d.left, d.top, d.right, d.bottom, [0, 0, 0.5, 1])
--
-- l, t, r, b  the box, relative to the frame, 0…1
-- crop        a list of the same four
CREATE OR REPLACE MACRO in_crop(l, t, r, b, crop) AS
    0.6 * l + 0.4 * r >= crop[1]
    AND 0.4 * l + 0.6 * r <= crop[3]
    AND 0.6 * t + 0.4 * b >= crop[2]
    AND 0.4 * t + 0.6 * b <= crop[4];
