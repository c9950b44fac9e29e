-- name: cast
-- Who is in the series: screen time, episodes, and where they are first seen.
-- seconds is screen time: a frame counts until the next one of its source, but not for longer than max_gap; null
-- for pictures. share is relative to the total of these times. Pictures count in n_frames only.
-- param show: show = null          only this show
-- param per: text = series         series, season or episode: the period of a row
-- param max_gap: real = 15         maximum seconds that one frame counts
WITH timed AS (
    SELECT
        f.frame_id,
        f.source_id,
        f.season,
        f.episode,
        f.time_s,
        least(
            coalesce(
                lead(f.time_s) OVER (PARTITION BY f.source_id ORDER BY f.time_s, f.frame_id),
                greatest(s.duration_s, f.time_s),
                f.time_s
            ) - f.time_s,
            $max_gap
        ) AS seconds
    FROM frames AS f
    JOIN sources AS s USING (source_id)
    WHERE $show IS NULL OR f."show" = $show
),

running AS (
    SELECT period($per, season, episode) AS period, sum(seconds) AS seconds FROM timed GROUP BY period
),

seen AS (
    SELECT who.character, period($per, timed.season, timed.episode) AS period, timed.*, n_named
    FROM (SELECT frame_id, character, count(*) AS n_named FROM characters GROUP BY frame_id, character) AS who
    JOIN timed USING (frame_id)
)

SELECT
    seen.character,
    seen.period,
    round(sum(seen.seconds), 1) AS seconds,
    round(sum(seen.seconds) / nullif(any_value(running.seconds), 0), 3) AS share,
    count(*) AS n_frames,
    sum(n_named)::BIGINT AS n_faces,
    count(DISTINCT source_id) AS n_episodes,
    arg_min(
        concat_ws(' ', episode_name(season, episode), clock(time_s)), (season, episode, time_s, frame_id)
    ) AS first_seen,
    arg_min(frame_id, (season, episode, time_s, frame_id)) AS first_frame
FROM seen
JOIN running ON running.period IS NOT DISTINCT FROM seen.period
GROUP BY seen.character, seen.period
ORDER BY seen.period, seconds DESC NULLS LAST, n_frames DESC, seen.character;
