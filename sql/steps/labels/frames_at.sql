-- The frames of measured shots that are nearest to some times.
--
-- moments  a relation with source_id and at_s, seconds
-- gives    source_id, at_s, shot_id, frame (counted from 0 in the shot), and the pts by which a clip begins with that
--          frame (first_pts) or ends with it (last_pts)
SELECT
    nearest.source_id,
    at_s,
    nearest.shot_id,
    frame,
    pts_from(shot, frame) AS first_pts,
    pts_to(shot, frame) AS last_pts
FROM (
    SELECT
        m.source_id,
        m.at_s,
        s.shot_id,
        s AS shot,
        least(s.in_shot - 1, greatest(0, round((m.at_s - s.first_s) / s.frame_s)))::BIGINT AS frame
    FROM moments AS m
    ASOF JOIN timed_shots AS s ON s.source_id = m.source_id AND s.first_s - s.frame_s / 2 <= m.at_s
) AS nearest;
