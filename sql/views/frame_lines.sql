-- What can be read on the screen or heard at each frame: one row per frame and line, of every track and kind.
--
--     SELECT frame_id, text FROM frame_lines WHERE kind = 'dialogue' AND language = 'eng'
CREATE OR REPLACE VIEW frame_lines AS
SELECT
    f.frame_id,
    f.time_s,
    l.*
FROM lines AS l
JOIN lance_frames AS f ON l.source_id = f.source_id AND f.time_s >= l.start_s AND f.time_s < l.end_s;
