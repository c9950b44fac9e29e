-- name: best_frames
-- The sharpest frames of every shot, without blank ones and without burned-in text.
-- param per_shot: int = 1          maximum number of frames per shot, 1…
-- param show: show = null          only this show
-- param episode: int = null        only this episode
-- param max_text: real = 0.02      share of the upper or lower band that text may cover, 0…1
-- param copies: bool = false       include near-duplicates
-- param dropped: bool = false      include frames that a person dropped
-- param limit: int = null          maximum number of frames, the sharpest first
WITH ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY source_id, shot ORDER BY sharpness DESC, frame_id) AS place
    FROM (
        SELECT frame_id, source_id, shot, time_s, "show", season, episode, sharpness
        FROM kept_frames(copies := $copies, dropped := $dropped)
        WHERE is_blank IS NOT TRUE
          AND sharpness IS NOT NULL
          AND coalesce(greatest(text_upper, text_lower), 0) <= $max_text
          AND ($show IS NULL OR "show" = $show)
          AND ($episode IS NULL OR episode = $episode)
    )
)

SELECT frame_id, "show", season, episode, time_s, shot, sharpness
FROM ranked
WHERE place <= $per_shot
ORDER BY sharpness DESC, frame_id
LIMIT $limit;
