-- The shots of each source: the frames between two cuts.
--
-- After `animeds shots`, every shot of a video is here, with its exact first and last frame. Before, shots are counted
-- on the ingested frames alone: first_s and last_s are then the times of ingested frames, and what is measured is null.
--
-- frame_id    the ingested frame that represents the shot: the sharpest one that is not blank; null if none is in it
-- n_frames    number of ingested frames; frames is the number of frames in the video
-- seconds     length of the shot, with the time for which its last frame is shown
-- drawn_fps   drawings per second
-- text_upper, text_lower   share of the upper and lower band that burned-in text covers at most, on ingested frames
-- segment     opening, ending or recap that the shot begins in
CREATE OR REPLACE VIEW shots AS
WITH ingested AS (
    SELECT
        source_id, shot,
        any_value("show") AS "show",
        any_value(season) AS season,
        any_value(episode) AS episode,
        min(time_s) AS first_s,
        max(time_s) AS last_s,
        count(*) AS n_frames,
        coalesce(
            arg_max(frame_id, (sharpness, frame_id)) FILTER (WHERE is_blank IS NOT TRUE),
            min(frame_id)
        ) AS frame_id,
        bool_and(is_blank) AS is_blank,
        max(text_upper) AS text_upper,
        max(text_lower) AS text_lower
    FROM lance_frames
    GROUP BY source_id, shot
),

every AS (
    SELECT
        source_id, shot, m.shot_id,
        coalesce(m."show", i."show") AS "show",
        coalesce(m.season, i.season) AS season,
        coalesce(m.episode, i.episode) AS episode,
        coalesce(m.first_s, i.first_s) AS first_s,
        coalesce(m.last_s, i.last_s) AS last_s,
        coalesce(i.n_frames, 0) AS n_frames,
        i.frame_id, m.first_pts, m.last_pts, m.frames,
        (m.last_s - m.first_s) * m.frames / nullif(m.frames - 1, 0) AS seconds,
        m.drawn_frames, m.cadence, m.motion, m.pan_x, m.pan_y, m.zoom, m.moved,
        coalesce(m.is_blank, i.is_blank) AS is_blank,
        i.text_upper, i.text_lower
    FROM ingested AS i
    FULL JOIN lance_shots AS m USING (source_id, shot)
)

SELECT
    e.*,
    drawn_frames / nullif(seconds, 0) AS drawn_fps,
    (
        SELECT min(kind)
        FROM segments AS s
        WHERE s.source_id = e.source_id AND e.first_s >= s.start_s AND e.first_s < s.end_s
    ) AS segment
FROM every AS e;
