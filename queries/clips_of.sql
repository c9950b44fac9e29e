-- name: clips_of
-- Clips of a character for video trainers, spread evenly.
-- The character must be seen on an ingested frame within the clip. The best clips come first: those outside openings,
-- endings and recaps, in which nobody else is seen, without burned-in text, and with more drawings per second. The
-- first clip of every shot comes before the second of any. Needs `animeds shots`.
-- param character: character       name of the character
-- param appearance: text = null    only in this appearance
-- param min_s: real = 1            minimum length, seconds
-- param max_s: real = 5            maximum length, seconds
-- param fps: real = 16             frames per second of the trainer
-- param frames: text = 4n+1        numbers of frames that it accepts: 4n+1, 8n+1, a list such as 34,68,102, or any
-- param motion: still|pan|zoom|moving[] = []   one of these; empty: any
-- param said: text = null          words that must be said in the clip
-- param count: int = null          maximum number of clips, 1…
-- param per: episode|shot|motion = null   as many of each as there are, one after the other
WITH fitting AS (
    SELECT
        *,
        {
            'outside': segment IS NULL,
            'alone': len(characters) = 1,
            'clean': coalesce(greatest(text_upper, text_lower), 0) <= 0.02,
            'drawn_fps': round(drawn_frames / seconds, 1)
        } AS merit
    FROM clips(fps := $fps, frames := $frames, min_s := $min_s, max_s := $max_s)
    WHERE list_contains(characters, $character)
      AND ($appearance IS NULL OR list_contains(appearances, $appearance))
      AND (len($motion) = 0 OR list_contains($motion, motion))
      AND ($said IS NULL OR contains(lower(line), lower($said)))
),

grouped AS (
    SELECT
        *,
        CASE $per
            WHEN 'episode' THEN source_id
            WHEN 'shot' THEN shot_id
            WHEN 'motion' THEN motion
        END AS part,
        row_number() OVER (PARTITION BY shot_id ORDER BY merit DESC, clip_id) AS of_shot
    FROM fitting
)

SELECT
    clip_id, "show", season, episode, first_s, seconds, n_frames, motion, characters, line, speakers, frame_id
FROM grouped
ORDER BY
    row_number() OVER (PARTITION BY part ORDER BY of_shot, merit DESC, clip_id),
    merit DESC,
    clip_id
LIMIT $count;
