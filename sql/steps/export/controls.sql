-- The controls of the pictures of an export: the pictures from which a trainer makes them.
--
-- selection  selection_row, frame_id, control_ids (frames), control_crops (the part of each frame, [left, top, right,
--            bottom], 0…1; NULL: all of it), kinds (what controls of the same frame show; NULL: $kinds)
-- $kinds     frame (all of the frame, of which the picture may be a crop), or a name from looks.LOOKS
--
-- gives      selection_row; controls, as parts of a picture (see picture.Part), with the width and height of the frame;
--            width and height (of the picture's own frame); pair (rows with the same controls have the same number);
--            unknown (a control that is no frame of the database), is_dropped (a person dropped a control)
WITH asked AS (
    SELECT
        selection_row, frame_id, number, control_ids[number] AS control_id, control_crops[number] AS part,
        'frame' AS look
    FROM selection
    CROSS JOIN unnest(range(1, coalesce(len(control_ids), 0) + 1)) AS t (number)
    WHERE control_ids[number] IS NOT NULL
    UNION ALL
    SELECT
        selection_row, frame_id, 1000 + number, frame_id,
        CASE WHEN coalesce(kinds, $kinds)[number] = 'frame' THEN [0, 0, 1, 1]::DOUBLE[] END,
        coalesce(kinds, $kinds)[number]
    FROM selection
    CROSS JOIN unnest(range(1, len(coalesce(kinds, $kinds)) + 1)) AS t (number)
    WHERE coalesce(kinds, $kinds)[number] IS NOT NULL
),

every AS (
    SELECT
        a.*,
        f.frame_id IS NULL AS is_unknown,
        f.width,
        f.height,
        CASE WHEN a.control_id <> a.frame_id THEN {
            'source_id': f.source_id, 'frame_id': f.frame_id, 'stream': f.stream, 'pts': f.pts, 'key_pts': f.key_pts,
            'member': f.member, 'content_hash': f.content_hash
        } END AS origin
    FROM asked AS a
    LEFT JOIN lance_frames AS f ON f.frame_id = a.control_id
),

grouped AS (
    SELECT
        selection_row,
        list({
            'look': look, 'origin': origin, 'width': width, 'height': height,
            'crop': CASE WHEN look = 'frame' AND origin IS NULL THEN coalesce(part, [0, 0, 1, 1]) ELSE part END
        } ORDER BY number) AS controls,
        min(control_id) FILTER (WHERE is_unknown AND control_id IS DISTINCT FROM frame_id) AS unknown,
        bool_or(control_id IN (SELECT frame_id FROM left_out WHERE why = 'dropped')) AS is_dropped
    FROM every
    GROUP BY selection_row
)

SELECT
    s.selection_row,
    coalesce(g.controls, []) AS controls,
    f.width,
    f.height,
    dense_rank() OVER (ORDER BY s.control_ids, s.control_crops, s.kinds) AS pair,
    g.unknown,
    coalesce(g.is_dropped, false) AS is_dropped
FROM selection AS s
LEFT JOIN lance_frames AS f ON f.frame_id = s.frame_id
LEFT JOIN grouped AS g USING (selection_row)
ORDER BY s.selection_row
