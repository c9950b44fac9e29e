-- The frames that have some of a few tags: first those with more of them, then those with higher scores.
--
-- $tags    the tags
-- $most    how many frames
-- {where}  a condition on the view frames
--
-- place    1, 2, 3 …; frames with the same scores have the same place
WITH scored AS (
    SELECT
        frame_id,
        list_filter(
            list_transform($tags::VARCHAR[], lambda tag: tag_scores[list_position(tag_ids, tag_id(tag))]),
            lambda score: score IS NOT NULL
        ) AS scores
    FROM frames
    WHERE has_any(tag_ids, $tags::VARCHAR[]) AND {where}
)

SELECT frame_id, rank() OVER (ORDER BY len(scores) DESC, list_sum(scores) DESC) AS place
FROM scored
ORDER BY place, frame_id
LIMIT $most
