-- Measured shots, with the distance of their frames. A shot of one frame is left out: it has no distances.
--
-- in_shot    number of frames in the shot, called so because "frames" is a parameter of clips()
-- frame_pts  from one frame to the next, on average, in the stream's time base; frame_s: the same in seconds
CREATE OR REPLACE VIEW timed_shots AS
SELECT
    * EXCLUDE (frames),
    frames AS in_shot,
    (last_pts - first_pts) / (frames - 1) AS frame_pts,
    (last_s - first_s) / (frames - 1) AS frame_s
FROM lance_shots
WHERE frames > 1;
