-- Is a face hard to see? True if its frame is dark (mean luma below 0.25) or if the frame's edge cuts it off.
--
--     SELECT face_id FROM faces JOIN frames USING (frame_id)
--     WHERE hard_to_see(brightness, faces."left", faces.top, faces."right", faces.bottom)
CREATE OR REPLACE MACRO hard_to_see(brightness, l, t, r, b) AS
    coalesce(brightness < 0.25, false) OR least(l, t, 1 - r, 1 - b) < 0.005;
