-- The frames whose description has some words, best first. A box's description counts for its frame.
--
-- found    what the full-text search found among the captioners' descriptions: frame_id, detection_id, text, score.
--          It leaves out those that a person or a later captioner has replaced
-- $words   the words, in lower case, for descriptions that people wrote: these are compared one by one
-- $most    how many frames
-- {where}  a condition on the view frames
WITH fitting AS (
    SELECT d.frame_id, found.score
    FROM found
    JOIN descriptions AS d
        ON
            found.frame_id = d.frame_id
            AND found.detection_id IS NOT DISTINCT FROM d.detection_id
            AND found.text = d.text
    UNION ALL
    SELECT frame_id, (SELECT coalesce(max(score), 1) FROM found)
    FROM description_labels
    WHERE len(list_filter($words::VARCHAR[], lambda word: contains(lower(value), word))) = len($words)
)

SELECT frame_id
FROM fitting
SEMI JOIN (SELECT frame_id FROM frames WHERE {where}) AS wanted USING (frame_id)
GROUP BY frame_id
ORDER BY max(score) DESC, frame_id
LIMIT $most
