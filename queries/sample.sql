-- name: sample
-- Random frames. The same seed gives the same frames on every machine.
-- The choice depends only on frame id and seed, so frames that are added later do not change the order of the others.
-- param n: int = 100               number of frames
-- param seed: int = 0              seed of the random choice
-- param copies: bool = false       include near-duplicates
-- param dropped: bool = false      include frames that a person dropped
SELECT frame_id, "show", season, episode, time_s
FROM kept_frames(copies := $copies, dropped := $dropped)
ORDER BY md5(frame_id || ':' || $seed::VARCHAR), frame_id
LIMIT $n;
