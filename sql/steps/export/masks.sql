-- The masks of the pictures of an export: which regions of their frames are learnt, and which are not.
--
-- pictures  picture (its number), source_id, frame_id, crop (NULL: the whole frame), face_id (the box that is cut out),
--           first_pts and last_pts (of a clip; NULL: a still picture)
-- $parts    parts of the view masks that are learnt; person: what a box has of the part character
-- $names    characters that are learnt. Without parts and names, everything is.
-- $out      parts of the view masks that are not learnt
-- gives     one row per picture and frame: picture, frame_id, time_s, is_known (the frame has masks of what was asked
--           for, perhaps empty ones), has_whole (it has a mask of a character that belongs to no box), shown and out:
--           lists of left, top, right, bottom and shape (base64; NULL: all of the region). shown is empty if nothing
--           that was asked for is in the picture.
--
-- Of a part, the mask of the whole frame counts if there is one, and what a person drew for a box. Otherwise those of
-- the boxes count. In a crop of a box, person is the one in the box.
WITH framed AS MATERIALIZED (
    SELECT p.picture, p.crop, p.face_id, f.frame_id, f.time_s
    FROM pictures AS p
    JOIN lance_frames AS f ON f.frame_id = p.frame_id
    WHERE p.last_pts IS NULL
    UNION ALL
    SELECT p.picture, NULL, NULL, f.frame_id, f.time_s
    FROM pictures AS p
    JOIN lance_frames AS f ON f.source_id = p.source_id AND f.pts BETWEEN p.first_pts AND p.last_pts
),

boxes AS MATERIALIZED (
    SELECT
        detection_id,
        character,
        ["left", top, "right", bottom]::DOUBLE[] AS box,
        ("right" - "left") * (bottom - top) AS area
    FROM identified_detections
    SEMI JOIN framed USING (frame_id)
),

found AS MATERIALIZED (
    SELECT
        f.picture,
        f.frame_id,
        m.part,
        m.detection_id,
        m.detection_id IS NULL
        OR m."by" = 'person'
        OR NOT bool_or(m.detection_id IS NULL) OVER (PARTITION BY f.picture, f.frame_id, m.part) AS counts,
        b.character,
        f.face_id,
        m.detection_id = f.face_id AS is_own,
        coalesce(
            (own.box[1] + own.box[3]) / 2 BETWEEN b.box[1] AND b.box[3]
            AND (own.box[2] + own.box[4]) / 2 BETWEEN b.box[2] AND b.box[4],
            false
        ) AS holds,
        b.area,
        {
            'left': m."left"::DOUBLE,
            'top': m.top::DOUBLE,
            'right': m."right"::DOUBLE,
            'bottom': m.bottom::DOUBLE,
            'shape': base64(m.shape)
        } AS region,
        m.coverage > 0
        AND (
            f.crop IS NULL
            OR (m."left" < f.crop[3] AND m."right" > f.crop[1] AND m.top < f.crop[4] AND m.bottom > f.crop[2])
        ) AS is_inside
    FROM framed AS f
    JOIN masks AS m ON m.frame_id = f.frame_id
    LEFT JOIN boxes AS b ON b.detection_id = m.detection_id
    LEFT JOIN boxes AS own ON own.detection_id = f.face_id
),

-- The mask of the one in a crop: that of its box, or that of the smallest box around the middle of its box.
cut_out AS (
    SELECT picture, frame_id, detection_id
    FROM found
    WHERE face_id IS NOT NULL AND part = 'character' AND (is_own OR holds)
    QUALIFY 1 = row_number() OVER (PARTITION BY picture, frame_id ORDER BY is_own DESC, area, detection_id)
),

shown AS (
    SELECT f.picture, f.frame_id, list(f.region ORDER BY f.part, f.detection_id) AS shown
    FROM found AS f
    LEFT JOIN cut_out AS c USING (picture, frame_id, detection_id)
    WHERE
        f.is_inside
        AND (
            (list_contains($parts, f.part) AND f.counts)
            OR (
                f.part = 'character'
                AND f.detection_id IS NOT NULL
                AND (
                    list_contains($names, f.character)
                    OR (list_contains($parts, 'person') AND (f.face_id IS NULL OR c.detection_id IS NOT NULL))
                )
            )
        )
    GROUP BY f.picture, f.frame_id
),

hidden AS (
    SELECT picture, frame_id, list(region ORDER BY part, detection_id) AS "out"
    FROM found
    WHERE list_contains($out, part) AND is_inside
    GROUP BY picture, frame_id
),

known AS (
    SELECT
        picture,
        frame_id,
        bool_or(
            list_contains($parts, part)
            OR (
                part = 'character'
                AND (detection_id IS NOT NULL OR NOT is_inside)  -- a whole frame without anybody has no boxes
                AND (len($names) > 0 OR list_contains($parts, 'person'))
            )
        ) AS is_known,
        bool_or(part = 'character' AND detection_id IS NULL AND is_inside) AS has_whole
    FROM found
    GROUP BY picture, frame_id
)

SELECT
    f.picture,
    f.frame_id,
    f.time_s,
    len($parts) + len($names) = 0 OR coalesce(k.is_known, false) AS is_known,
    coalesce(k.has_whole, false) AS has_whole,
    CASE
        WHEN len($parts) + len($names) > 0 THEN coalesce(s.shown, [])
        ELSE [{'left': 0, 'top': 0, 'right': 1, 'bottom': 1, 'shape': NULL}]
    END AS shown,
    coalesce(h."out", []) AS "out"
FROM framed AS f
LEFT JOIN shown AS s USING (picture, frame_id)
LEFT JOIN hidden AS h USING (picture, frame_id)
LEFT JOIN known AS k USING (picture, frame_id)
ORDER BY f.picture, f.time_s, f.frame_id
