-- Clips for the page of clips, in the order of shows and times, with the limits of their shots.
--
-- {trainer}    arguments of the table macro clips: fps := 16, frames := '4n+1', …
-- {condition}  which clips, as a condition on its columns
SELECT
    c.clip_id, c.shot_id, c.source_id, c."show", c.season, c.episode, c.shot, c.first_s, c.last_s, c.seconds,
    c.n_frames, c.fps, c.source_frames, c.drawn_frames, c.motion, c.characters, c.line, c.frame_id, c.is_kept,
    s.first_s AS shot_first_s,
    s.first_s + s.seconds AS shot_end_s
FROM clips({trainer}) AS c
INNER JOIN shots AS s USING (shot_id)
WHERE {condition}
ORDER BY c."show", c.season, c.episode, c.source_id, c.first_s
