-- What an export needs to know of clips: their lengths, the frames that represent them, what is said in them.
--
-- stretches    the rows of clip_stretches.sql, with what the file says: start_pts, time_base (seconds), rate (frames
--              per second), fps (of the clip that is written), and control_source_id, control_first_pts and
--              control_last_pts (of its control; NULL: it has none)
-- $frames      numbers of frames that the trainer accepts, as for clip_length
-- $max_frames  maximum number of frames; NULL: no limit
-- $dropped     true to export what people dropped
--
-- gives  selection_row, first_s, last_s, source_frames (in the video), n_possible and n_frames (at the rate of the
--        clip: as many as fit, and as many as are written), frame_id (the ingested frame that represents the clip: the
--        sharpest that is not blank and was not dropped), width and height (of that frame), said (who says what),
--        n_cuts (within the clip), why it is left out: short | no_frame | dropped | control | cut; NULL: it is exported
WITH timed AS (
    SELECT
        *,
        (first_pts - start_pts) * time_base AS first_s,
        (last_pts - start_pts) * time_base AS last_s,
        (floor((last_pts - first_pts) * time_base * rate + 0.25) + 1)::BIGINT AS source_frames,
        floor(source_frames / rate * fps + 1e-6)::BIGINT AS n_possible,
        clip_length($frames::VARCHAR, least(n_possible, $max_frames::BIGINT)) AS n_frames
    FROM stretches
),

pictures AS (
    SELECT
        t.selection_row,
        arg_max(
            {'frame_id': f.frame_id, 'width': f.width, 'height': f.height},
            {
                'is_kept': f.frame_id NOT IN (SELECT frame_id FROM left_out WHERE why = 'dropped'),
                'is_shown': f.is_blank IS NOT TRUE,
                'sharpness': coalesce(f.sharpness, 0),
                'frame_id': f.frame_id
            }
        ) AS shown
    FROM timed AS t
    JOIN lance_frames AS f ON f.source_id = t.source_id AND f.pts BETWEEN t.first_pts AND t.last_pts
    GROUP BY t.selection_row
),

-- people's labels of these frames; a clip that a person kept exactly so is kept
labelled AS (
    SELECT
        t.selection_row,
        bool_or(l.value = 'drop') AND NOT bool_or(
            l.value = 'keep' AND l.first_pts = t.first_pts AND l.last_pts = t.last_pts
        ) AS is_dropped,
        bool_or(l.value = 'cut' AND l.first_pts > t.first_pts) AS is_cut
    FROM timed AS t
    JOIN stretch_labels AS l
        ON l.source_id = t.source_id AND l.first_pts <= t.last_pts AND l.last_pts >= t.first_pts
    GROUP BY t.selection_row
),

dropped_controls AS (
    SELECT t.selection_row
    FROM timed AS t
    JOIN stretch_labels AS l
        ON l.source_id = t.control_source_id
        AND l.first_pts <= t.control_last_pts AND l.last_pts >= t.control_first_pts
    GROUP BY t.selection_row
    HAVING bool_or(l.value = 'drop') AND NOT bool_or(
        l.value = 'keep' AND l.first_pts = t.control_first_pts AND l.last_pts = t.control_last_pts
    )
),

-- as in clip_facts: a line counts if half of it, or half of the clip, is in the other
said AS (
    SELECT
        t.selection_row,
        string_agg(
            coalesce(coalesce(l.said_by, l.speaker) || ' says: ', '') || '"' || l.text || '"',
            ' ' ORDER BY l.start_s, l.line_id
        ) AS said
    FROM timed AS t
    JOIN said_lines AS l
        ON l.source_id = t.source_id AND l.start_s < t.last_s + 1 / t.rate AND l.end_s > t.first_s
    WHERE least(l.end_s, t.last_s + 1 / t.rate) - greatest(l.start_s, t.first_s)
        >= least(l.end_s - l.start_s, t.last_s + 1 / t.rate - t.first_s) / 2
    GROUP BY t.selection_row
),

cuts AS (
    SELECT t.selection_row, count(*) AS n_cuts
    FROM timed AS t
    JOIN lance_shots AS s ON s.source_id = t.source_id AND s.first_pts > t.first_pts AND s.first_pts <= t.last_pts
    GROUP BY t.selection_row
)

SELECT
    t.selection_row, t.first_s, t.last_s, t.source_frames, t.n_possible, t.n_frames,
    p.shown.frame_id AS frame_id, p.shown.width AS width, p.shown.height AS height, said.said,
    coalesce(cuts.n_cuts, 0) AS n_cuts,
    CASE
        WHEN l.is_dropped AND NOT $dropped THEN 'dropped'
        WHEN t.selection_row IN (SELECT selection_row FROM dropped_controls) AND NOT $dropped THEN 'control'
        WHEN t.n_frames IS NULL THEN 'short'
        WHEN l.is_cut THEN 'cut'
        WHEN p.shown IS NULL THEN 'no_frame'
    END AS why
FROM timed AS t
LEFT JOIN pictures AS p USING (selection_row)
LEFT JOIN labelled AS l USING (selection_row)
LEFT JOIN said USING (selection_row)
LEFT JOIN cuts USING (selection_row)
ORDER BY t.selection_row
