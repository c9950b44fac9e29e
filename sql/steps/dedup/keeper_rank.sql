-- Which frame of a group of near-duplicates stays: the one with the lowest rank.
--
-- gives   frame_id, rank (1 is best; no two frames share one)
--
-- A file of your own with the same two columns takes its place: animeds dedup --rank FILE.
SELECT
    frame_id,
    row_number() OVER (
        ORDER BY
            is_blank IS TRUE,                                   -- something to see
            greatest(text_upper, text_lower) > 0.02,            -- no burned-in text
            width * height DESC,                                -- larger
            sharpness DESC NULLS LAST,                          -- sharper
            n_faces DESC,                                       -- more faces
            frame_id
    ) AS rank
FROM frames
LEFT JOIN (SELECT frame_id, count(*) AS n_faces FROM faces GROUP BY frame_id) USING (frame_id)
