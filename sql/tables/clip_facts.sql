-- What is known of clips: times, movement, who is seen, and what is said.
--
--     WITH mine AS (SELECT 'k3f9a2qd-c1024_53248' AS clip_id) SELECT * FROM clip_facts('mine')
--
-- clips  name of a relation with clip_id (each once); other columns are left out
-- gives  the columns of the view `clips`, without those of the trainer (n_frames, fps) and without is_kept
--
-- A clip without a measured shot is left out. cadence, motion, pan_x, pan_y, zoom and segment are those of the shot in
-- which the clip begins; drawn_frames is the clip's share of those of the shot.
CREATE OR REPLACE MACRO clip_facts(clips) AS TABLE
WITH placed AS (
    SELECT
        clip_id,
        regexp_extract(clip_id, '^(.*)-c(-?\d+)_(-?\d+)$', 1) AS source_id,
        try_cast(regexp_extract(clip_id, '^(.*)-c(-?\d+)_(-?\d+)$', 2) AS BIGINT) AS first_pts,
        try_cast(regexp_extract(clip_id, '^(.*)-c(-?\d+)_(-?\d+)$', 3) AS BIGINT) AS last_pts
    FROM query_table(clips)
),

counted AS (
    SELECT
        p.*,
        s.* EXCLUDE (source_id, first_pts, last_pts, first_s, last_s),
        s.first_s AS shot_s,
        ceil((p.first_pts - s.first_pts) / s.frame_pts - 0.25) AS from_frame,
        (floor((p.last_pts - p.first_pts) / s.frame_pts + 0.25) + 1)::BIGINT AS source_frames
    FROM placed AS p
    ASOF JOIN timed_shots AS s ON s.source_id = p.source_id AND s.first_pts <= p.first_pts
),

timed AS MATERIALIZED (
    SELECT
        *,
        shot_s + from_frame * frame_s AS first_s,
        shot_s + (from_frame + source_frames - 1) * frame_s AS last_s,
        source_frames * frame_s AS seconds
    FROM counted
),

pictures AS MATERIALIZED (
    SELECT t.clip_id, f.*
    FROM timed AS t
    JOIN lance_frames AS f ON f.source_id = t.source_id AND f.pts BETWEEN t.first_pts AND t.last_pts
),

shown AS (
    SELECT
        clip_id,
        coalesce(
            arg_max(frame_id, (sharpness, frame_id)) FILTER (WHERE is_blank IS NOT TRUE), min(frame_id)
        ) AS frame_id,
        max(text_upper) AS text_upper,
        max(text_lower) AS text_lower
    FROM pictures
    GROUP BY clip_id
),

people AS (
    SELECT
        clip_id,
        list_sort(list(DISTINCT character)) AS characters,
        list_sort(list(DISTINCT appearance) FILTER (WHERE appearance IS NOT NULL)) AS appearances
    FROM pictures
    JOIN characters USING (frame_id)
    GROUP BY clip_id
),

in_segments AS (
    SELECT t.clip_id, min(s.kind) AS segment
    FROM timed AS t
    JOIN segments AS s ON s.source_id = t.source_id AND t.shot_s >= s.start_s AND t.shot_s < s.end_s
    GROUP BY t.clip_id
),

-- a line counts if half of it, or half of the clip, is in the other
said AS (
    SELECT
        t.clip_id,
        string_agg(l.text, ' ' ORDER BY l.start_s, l.line_id) AS line,
        list_sort(
            list(DISTINCT coalesce(l.said_by, l.speaker)) FILTER (WHERE l.speaker IS NOT NULL)
        ) AS speakers
    FROM timed AS t
    JOIN said_lines AS l ON l.source_id = t.source_id AND l.start_s < t.first_s + t.seconds AND l.end_s > t.first_s
    WHERE least(l.end_s, t.first_s + t.seconds) - greatest(l.start_s, t.first_s)
        >= least(l.end_s - l.start_s, t.seconds) / 2
    GROUP BY t.clip_id
)

SELECT
    t.clip_id, t.shot_id, t.source_id, t."show", t.season, t.episode, t.shot,
    t.first_pts, t.last_pts, t.first_s, t.last_s, t.seconds, t.source_frames,
    greatest(1, round(t.drawn_frames * least(1, t.source_frames / t.in_shot)))::INTEGER AS drawn_frames,
    t.cadence, t.motion, t.pan_x, t.pan_y, t.zoom,
    coalesce(p.characters, []) AS characters,
    coalesce(p.appearances, []) AS appearances,
    said.line,
    coalesce(said.speakers, []) AS speakers,
    s.segment, i.text_upper, i.text_lower, i.frame_id
FROM timed AS t
LEFT JOIN in_segments AS s ON s.clip_id = t.clip_id
LEFT JOIN shown AS i ON i.clip_id = t.clip_id
LEFT JOIN people AS p ON p.clip_id = t.clip_id
LEFT JOIN said ON said.clip_id = t.clip_id;
