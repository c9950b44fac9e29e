-- name: character_pair
-- Frames on which two characters are together.
-- param first: character           one of them
-- param second: character          the other
-- param only: bool = true          nobody else is there, known or not
-- param show: show = null          only this show
-- param copies: bool = false       include near-duplicates
-- param dropped: bool = false      include frames that a person dropped
-- param limit: int = null          maximum number of frames
SELECT f.frame_id, f."show", f.season, f.episode, f.time_s, who.characters, who.n_faces
FROM kept_frames(copies := $copies, dropped := $dropped) AS f
JOIN frame_characters AS who USING (frame_id)
WHERE has_all_characters(who.characters, [$first, $second])
  AND (NOT $only OR (who.n_characters <= 2 AND who.n_boxes <= 2))
  AND f.is_blank IS NOT TRUE
  AND ($show IS NULL OR f."show" = $show)
ORDER BY f.frame_id
LIMIT $limit;
