-- name: sample
-- Some frames by lot: the same seed draws the same frames, on every machine.
-- A frame's lot depends on its id and the seed alone, so frames that are added later do not change the others'.
-- param n: int = 100               how many
-- param seed: int = 0              another number, another draw
-- param copies: bool = false       with near-duplicates
-- param dropped: bool = false      with frames that a person dropped
SELECT frame_id, "show", season, episode, time_s
FROM kept_frames(copies := $copies, dropped := $dropped)
ORDER BY md5(frame_id || ':' || $seed::VARCHAR), frame_id
LIMIT $n;
