-- The shots of each source: runs of frames between two cuts.
--
-- frame_id is the frame that represents the shot: the sharpest frame that is not blank.
CREATE OR REPLACE VIEW shots AS
SELECT
    source_id,
    shot,
    min(time_s) AS first_s,
    max(time_s) AS last_s,
    count(*) AS n_frames,
    coalesce(
        arg_max(frame_id, (sharpness, frame_id)) FILTER (WHERE is_blank IS NOT TRUE),
        min(frame_id)
    ) AS frame_id
FROM lance_frames
GROUP BY source_id, shot;
