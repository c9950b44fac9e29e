-- The stretches of videos beside a character of which no frame is in the database, the most promising first.
--
-- $character   whose
-- $least_s     minimum length of a stretch, in seconds
-- gives    source_id, title, episode, uri, start_s, end_s
--          appearance   that of the frame before it, else of the frame after it; NULL: not known
--          n_sides      2: the character is on the frames before and after it; 1: on one of them
--
-- A shot goes on after its frame, so the character is on the frame before the stretch, or on the one after it if that
-- is of the same shot. Where every change was ingested, nothing new is to be seen between two frames: only what the
-- start and end of the sampling left out counts.
WITH videos AS (
    SELECT
        source_id, title, episode, uri, duration_s,
        split_part(sampling, ' ', 1) NOT IN ('changes', 'all') AS has_holes,
        contains(sampling, ' ') AS has_limits
    FROM sources
    WHERE kind = 'video' AND state = 'done'
),

seen AS (
    SELECT frame_id, min(appearance) AS appearance
    FROM characters
    WHERE character = $character
    GROUP BY frame_id
),

moments AS (
    SELECT
        f.source_id, f.time_s, false AS is_limit,
        CASE WHEN f.is_blank IS NOT TRUE THEN f.shot END AS shot,  -- a blank frame may end a shot or begin one
        seen.frame_id IS NOT NULL AS is_seen, seen.appearance AS appearance
    FROM frames AS f
    LEFT JOIN seen ON seen.frame_id = f.frame_id
    UNION ALL
    SELECT source_id, unnest([0.0, duration_s]), true, NULL, false, NULL FROM videos
),

stretches AS (
    SELECT
        source_id,
        time_s AS start_s,
        lead(time_s) OVER in_time AS end_s,
        coalesce(appearance, lead(appearance) OVER in_time) AS appearance,
        is_seen AS is_before,
        lead(is_seen) OVER in_time AS is_after,
        coalesce(shot = lead(shot) OVER in_time, false) AS is_one_shot,
        is_limit OR lead(is_limit) OVER in_time AS is_outside
    FROM moments
    WHERE time_s IS NOT NULL
    WINDOW in_time AS (PARTITION BY source_id ORDER BY time_s, is_limit DESC)
)

SELECT
    v.source_id, v.title, v.episode, v.uri, s.start_s, s.end_s, s.appearance,
    s.is_before::INTEGER + s.is_after::INTEGER AS n_sides
FROM stretches AS s
JOIN videos AS v ON v.source_id = s.source_id
WHERE s.end_s - s.start_s >= $least_s
  AND (s.is_before OR (s.is_after AND (s.is_one_shot OR (v.has_limits AND s.is_outside))))
  AND (v.has_holes OR (v.has_limits AND s.is_outside))
ORDER BY n_sides DESC, s.end_s - s.start_s DESC, s.source_id, s.start_s
