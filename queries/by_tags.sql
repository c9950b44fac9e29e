-- name: by_tags
-- Frames by their tags.
-- A frame must have every tag of `has` and none of `has_none`; having a tag means a score of at least
-- `threshold`. 'red hair' means red_hair. Frames that were never tagged are not among them.
-- param has: tags = []             tags that a frame must bear
-- param has_none: tags = []        tags that it must not bear
-- param threshold: real = 0.35     score that counts as bearing, 0…1
-- param copies: bool = false       with near-duplicates
-- param dropped: bool = false      with frames that a person dropped
-- param limit: int = null          at most so many frames
WITH likely AS (  -- stored tags first, whatever their score: the quick question
    SELECT *, sure(tag_ids, tag_scores, $threshold) AS sure_ids
    FROM kept_frames(copies := $copies, dropped := $dropped)
    WHERE tag_ids IS NOT NULL AND has_all(tag_ids, $has)
)

SELECT frame_id, "show", season, episode, time_s, tags, tag_ids, tag_scores
FROM likely
WHERE has_all(sure_ids, $has) AND NOT has_any(sure_ids, $has_none)
ORDER BY frame_id
LIMIT $limit;
