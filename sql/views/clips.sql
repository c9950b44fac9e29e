-- Clips for video trainers: stretches of one shot each, one row per clip. Before `animeds shots` there are none.
--
--     SELECT clip_id FROM clips WHERE motion = 'moving' AND list_contains(characters, 'Emi')
--     SELECT clip_id FROM clips(fps := 24, frames := '8n+1', max_s := 4)
--
-- fps           frames per second of the trainer
-- frames        numbers of frames that it accepts: 4n+1, 8n+1, a list such as 34,68,102, or any
-- min_s, max_s  seconds of a clip
-- within        shot, or line: only while somebody speaks
-- overlap       share of a clip that the next one repeats, 0…0.9
--
-- Each clip has the largest accepted number of frames that fits into its stretch and into max_s. A longer stretch is
-- divided into clips of that length, and one more of what is left. Clips that a person kept or trimmed are here
-- exactly as they are, and no other clip touches them, or what a person dropped (`animeds label clip`).
--
-- clip_id        source, first and last pts: it alone says which frames the clip has
-- n_frames       after resampling to fps; source_frames: in the video
-- seconds        length of source_frames
-- characters, appearances, text_upper, text_lower   on ingested frames within the clip
-- line           what is said, on one line; speakers: the characters confirmed for it, or the subtitles' names
-- frame_id       the sharpest ingested frame within the clip; null if there is none
-- is_kept        a person made this clip
CREATE OR REPLACE MACRO clips(
    fps := 16, frames := '4n+1', min_s := 1, max_s := 5, within := 'shot', overlap := 0
) AS TABLE
-- This is also the first relation of the last FROM: else DuckDB takes `frames` for the column of a table.
WITH trainer AS (
    SELECT
        fps::DOUBLE AS fps,
        frames::VARCHAR AS accepted,
        min_s AS min_s,
        max_s AS max_s,
        least(greatest(overlap, 0), 0.9) AS overlap,
        CASE
            WHEN within IN ('shot', 'line') THEN within
            ELSE error('within must be shot or line. It is ' || within || '.')
        END AS within
),

stretches AS MATERIALIZED (
    SELECT shot_id, from_frame, until_frame
    FROM free_stretches
    CROSS JOIN trainer
    WHERE trainer.within = 'shot'
    UNION ALL
    SELECT
        f.shot_id,
        greatest(f.from_frame, ceil((s.start_s - f.first_s) / f.frame_s - 0.25))::BIGINT,
        least(f.until_frame, floor((s.end_s - f.first_s) / f.frame_s + 0.25))::BIGINT
    FROM free_stretches AS f
    JOIN spoken_stretches AS s ON s.source_id = f.source_id
        AND s.start_s < f.first_s + f.until_frame * f.frame_s
        AND s.end_s > f.first_s + f.from_frame * f.frame_s
    CROSS JOIN trainer
    WHERE trainer.within = 'line'
),

-- how many frames of the video the longest clip in each stretch takes
measured AS (
    SELECT
        *,
        until_frame - from_frame AS in_stretch,
        video_frames(t.accepted, least(in_stretch * s.frame_s, t.max_s), t.fps, s.frame_s) AS in_clip
    FROM stretches
    JOIN timed_shots AS s USING (shot_id)
    CROSS JOIN trainer AS t
),

divided AS MATERIALIZED (
    SELECT
        *,
        greatest(1, ceil(in_clip * (1 - overlap)))::BIGINT AS "step",
        (in_stretch - in_clip) // "step" AS "last"
    FROM measured
    WHERE in_clip <= in_stretch
),

rests AS (
    SELECT *, from_frame + "last" * "step" + in_clip AS rest_frame, until_frame - rest_frame AS in_rest FROM divided
),

proposed AS (
    SELECT shot_id, unnest(range(from_frame, from_frame + "last" * "step" + 1, "step")) AS from_frame, in_clip
    FROM divided
    UNION ALL
    SELECT shot_id, rest_frame, video_frames(accepted, in_rest * frame_s, fps, frame_s)
    FROM rests
    WHERE in_rest > 0
),

chosen AS (
    SELECT
        s.source_id,
        pts_from(s, p.from_frame) AS first_pts,
        pts_to(s, p.from_frame + p.in_clip - 1) AS last_pts,
        false AS is_kept
    FROM proposed AS p
    JOIN timed_shots AS s USING (shot_id)
    CROSS JOIN trainer
    WHERE p.in_clip * s.frame_s >= trainer.min_s - 1e-6
    UNION ALL
    SELECT source_id, first_pts, last_pts, true FROM stretch_labels WHERE value = 'keep'
),

every AS MATERIALIZED (SELECT *, source_id || '-c' || first_pts || '_' || last_pts AS clip_id FROM chosen)

SELECT
    f.*,
    clip_length(trainer.accepted, floor(f.seconds * trainer.fps + 1e-6)) AS n_frames,
    trainer.fps,
    every.is_kept
FROM trainer
CROSS JOIN clip_facts('every') AS f
JOIN every USING (clip_id);

CREATE OR REPLACE VIEW clips AS
SELECT * FROM clips();
