-- Which frames match a selection and are not exported, and why.
--
-- selection  any relation with frame_id
-- wider      the frames that would match if near-duplicates and dropped frames counted; may be empty
-- $copies    near-duplicates in the selection are exported
-- $dropped   dropped frames in the selection are exported
-- gives      frame_id, why (dropped | copy; NULL: exported), each frame once; frames that are only in `wider`
--            and are neither dropped nor near-duplicates are not listed
WITH matching AS (
    SELECT frame_id, bool_or(asked) AS asked
    FROM (
        SELECT frame_id::VARCHAR AS frame_id, true AS asked FROM selection
        UNION ALL
        SELECT frame_id::VARCHAR, false FROM wider
    )
    WHERE frame_id IS NOT NULL
    GROUP BY frame_id
),

judged AS (
    SELECT
        frame_id,
        any_value(asked) AS asked,
        coalesce(bool_or(why = 'dropped'), false) AND NOT $dropped AS is_dropped,
        coalesce(bool_or(why = 'copy'), false) AND NOT ($copies AND any_value(asked)) AS is_copy
    FROM matching
    LEFT JOIN left_out USING (frame_id)
    GROUP BY frame_id
)

SELECT frame_id, CASE WHEN is_dropped THEN 'dropped' WHEN is_copy THEN 'copy' END AS why
FROM judged
WHERE asked OR is_dropped OR is_copy
