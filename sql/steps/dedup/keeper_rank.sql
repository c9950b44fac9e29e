-- The ranking of frames. Of a group of near-duplicates, the frame with the lowest rank is kept.
--
-- gives   frame_id, rank (1 is best; every frame has its own rank)
--
-- To use your own ranking, write a file with the same two columns: animeds dedup --rank FILE.
SELECT
    frame_id,
    row_number() OVER (
        ORDER BY
            is_blank IS TRUE,                                   -- not blank
            greatest(text_upper, text_lower) > 0.02,            -- no burned-in text
            width * height DESC,                                -- larger
            sharpness DESC NULLS LAST,                          -- sharper
            n_faces DESC,                                       -- more faces
            frame_id
    ) AS rank
FROM frames
LEFT JOIN (SELECT frame_id, count(*) AS n_faces FROM faces GROUP BY frame_id) USING (frame_id)
