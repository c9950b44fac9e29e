-- The stretches in which clips can be proposed: what people's labels leave of each shot that is not blank.
--
-- from_frame, until_frame  frames of the shot, counted from 0; until_frame is the first one after the stretch
--
-- Frames that people kept or dropped belong to no stretch, and none crosses a cut that they added.
CREATE OR REPLACE VIEW free_stretches AS
WITH labelled AS MATERIALIZED (
    SELECT
        s.shot_id, l.value,
        greatest(0, ceil((l.first_pts - s.first_pts) / s.frame_pts - 0.25))::BIGINT AS from_frame,
        least(s.in_shot, floor((l.last_pts - s.first_pts) / s.frame_pts + 0.25) + 1)::BIGINT AS until_frame
    FROM timed_shots AS s
    JOIN stretch_labels AS l
        ON l.source_id = s.source_id AND l.first_pts <= s.last_pts AND l.last_pts >= s.first_pts
),

breaks AS (
    SELECT shot_id, 0 AS from_frame FROM timed_shots
    UNION
    SELECT shot_id, from_frame FROM labelled
    UNION
    SELECT shot_id, until_frame FROM labelled WHERE value <> 'cut'
),

stretches AS (
    SELECT
        s.*,
        b.from_frame,
        coalesce(lead(b.from_frame) OVER (PARTITION BY shot_id ORDER BY b.from_frame), s.in_shot) AS until_frame
    FROM timed_shots AS s
    JOIN breaks AS b USING (shot_id)
    WHERE s.is_blank IS NOT TRUE
)

SELECT * FROM stretches AS s
WHERE from_frame < until_frame AND NOT EXISTS (
    SELECT 1
    FROM labelled AS l
    WHERE l.shot_id = s.shot_id AND l.value <> 'cut'
        AND l.from_frame <= s.from_frame AND l.until_frame > s.from_frame
);
