-- name: by_tags
-- Frames by their tags.
-- A frame must have every tag of `has` and none of `has_none`. 'red hair' means red_hair. Frames that were
-- never tagged are left out. `threshold` may be lower than the tagger's own: scores from 0.1 are stored.
-- param has: tags = []             tags that a frame must have
-- param has_none: tags = []        tags that it must not have
-- param threshold: real = null     minimum score of a tag, 0…1; null is the tagger's own threshold
-- param copies: bool = false       include near-duplicates
-- param dropped: bool = false      include frames that a person dropped
-- param limit: int = null          maximum number of frames
WITH likely AS (  -- stored tags first, whatever their score: a fast first filter
    SELECT *, CASE WHEN $threshold IS NULL THEN tag_ids ELSE sure(all_scores, $threshold) END AS sure_ids
    FROM kept_frames(copies := $copies, dropped := $dropped)
    WHERE tag_ids IS NOT NULL
      AND CASE WHEN $threshold IS NULL THEN has_all(tag_ids, $has) ELSE has_all(all_scores.tag_ids, $has) END
)

SELECT frame_id, "show", season, episode, time_s, tags, tag_ids, tag_scores
FROM likely
WHERE has_all(sure_ids, $has) AND NOT has_any(sure_ids, $has_none)
ORDER BY frame_id
LIMIT $limit;
