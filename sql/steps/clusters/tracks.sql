-- Pairs of faces that are the same person, because the face stays at its position from one frame of a shot to the next.
--
-- boxes    row, frame_id, left, top, right, bottom
-- gives    a, b: rows of the earlier and the later frame, in the order of time. A row is at most once an `a` and at
--          most once a `b`.
--
-- The frames are consecutive and at most two seconds apart. The position is the same if the boxes overlap with an IoU
-- of at least 0.4, and no other face of either frame overlaps one of the two more.
WITH people AS (
    SELECT boxes.*, f.source_id, f.shot, f.ordinal, f.time_s
    FROM boxes
    JOIN lance_frames AS f USING (frame_id)
    WHERE f.time_s IS NOT NULL
),

pairs AS (
    SELECT
        before."row" AS a,
        after."row" AS b,
        before.source_id,
        before.ordinal,
        iou(
            before."left", before.top, before."right", before.bottom,
            after."left", after.top, after."right", after.bottom
        ) AS share
    FROM people AS before
    JOIN people AS after
        ON after.source_id = before.source_id AND after.shot = before.shot
        AND after.ordinal = before.ordinal + 1 AND after.time_s - before.time_s <= 2
)

SELECT a, b
FROM pairs
WHERE share >= 0.4
QUALIFY row_number() OVER (PARTITION BY a ORDER BY share DESC, b) = 1
    AND row_number() OVER (PARTITION BY b ORDER BY share DESC, a) = 1
ORDER BY source_id, ordinal, a, b
