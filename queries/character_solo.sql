-- name: character_solo
-- Frames on which a character is alone: nobody else is there, known or not.
-- param character: character       name of the character
-- param appearance: text = null    only in this appearance
-- param show: show = null          only this show
-- param min_score: real = 0        minimum score of the face, 0…1
-- param copies: bool = false       include near-duplicates
-- param dropped: bool = false      include frames that a person dropped
-- param limit: int = null          maximum number of frames, the highest scores first
SELECT f.frame_id, f."show", f.season, f.episode, f.time_s, c.character, c.appearance, c.score, c.margin
FROM kept_frames(copies := $copies, dropped := $dropped) AS f
JOIN frame_characters AS who USING (frame_id)
JOIN (
    SELECT frame_id, character, max_by(appearance, score) AS appearance, max(score) AS score, max(margin) AS margin
    FROM characters
    WHERE character = $character
    GROUP BY frame_id, character
) AS c USING (frame_id)
WHERE is_alone(who.characters, who.n_boxes, $character)
  AND f.is_blank IS NOT TRUE
  AND c.score >= $min_score
  AND ($appearance IS NULL OR c.appearance = $appearance)
  AND ($show IS NULL OR f."show" = $show)
ORDER BY CASE WHEN $limit IS NOT NULL THEN c.score END DESC, f.frame_id
LIMIT $limit;
