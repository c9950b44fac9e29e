-- The frames that match a selection, with the reason for those that are not exported.
--
-- selection  any relation with frame_id
-- wider      the frames that would match with near-duplicates and dropped frames included; may be empty
-- $copies    true to export near-duplicates of the selection
-- $dropped   true to export dropped frames of the selection
-- gives      frame_id, why (dropped | copy; NULL: exported), each frame once. Frames that are only in `wider` are
--            listed only if they are dropped or near-duplicates.
WITH matching AS (
    SELECT frame_id, bool_or(selected) AS selected
    FROM (
        SELECT frame_id::VARCHAR AS frame_id, true AS selected FROM selection
        UNION ALL
        SELECT frame_id::VARCHAR, false FROM wider
    )
    WHERE frame_id IS NOT NULL
    GROUP BY frame_id
),

judged AS (
    SELECT
        frame_id,
        any_value(selected) AS selected,
        coalesce(bool_or(why = 'dropped'), false) AND NOT $dropped AS is_dropped,
        coalesce(bool_or(why = 'copy'), false) AND NOT ($copies AND any_value(selected)) AS is_copy
    FROM matching
    LEFT JOIN left_out USING (frame_id)
    GROUP BY frame_id
)

SELECT frame_id, CASE WHEN is_dropped THEN 'dropped' WHEN is_copy THEN 'copy' END AS why
FROM judged
WHERE selected OR is_dropped OR is_copy
