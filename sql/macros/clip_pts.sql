-- The pts by which a clip begins or ends with a frame of a shot, counted from 0.
--
-- shot  a row of timed_shots
--
-- Within a shot, the pts of frames are known by their average distance only. Where it is no whole number, because the
-- file rounds its times, the pts is a quarter of a frame before the frame, or after it, so that no frame is missed.
CREATE OR REPLACE MACRO pts_slack(frame_pts) AS
    CASE WHEN frame_pts = round(frame_pts) THEN 0 ELSE floor(frame_pts / 4) END;

CREATE OR REPLACE MACRO pts_from(shot, frame) AS
    CASE
        WHEN frame <= 0 THEN shot.first_pts
        ELSE (round(shot.first_pts + frame * shot.frame_pts) - pts_slack(shot.frame_pts))::BIGINT
    END;

CREATE OR REPLACE MACRO pts_to(shot, frame) AS
    CASE
        WHEN frame >= shot.in_shot - 1 THEN shot.last_pts
        ELSE (round(shot.first_pts + frame * shot.frame_pts) + pts_slack(shot.frame_pts))::BIGINT
    END;
