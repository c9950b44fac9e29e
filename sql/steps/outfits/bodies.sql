-- The bodies of one character, one row per box with the name, in the order of time, with what shows their clothes.
--
-- $character   whose
-- gives    detection_id, frame_id, source_id, episode, shot, ordinal
--          left, top, right, bottom   what a contact sheet shows: the person or half body around the face, else the
--                                     frame from the head down, three faces wide and six faces high
--          known      the appearance that a person gave it; else null
--          tags       clothes on the frame as [{tag, score}], score 0…1; [] if only a face is seen (framing: close-up)
WITH ones AS (
    SELECT
        c.face_id AS detection_id, c.frame_id, c.kind, d."left", d.top, d."right", d.bottom,
        d."right" - d."left" AS wide, d.bottom - d.top AS high
    FROM characters AS c
    JOIN newest_detections AS d ON d.detection_id = c.face_id
    WHERE c.character = $character
),

around AS (  -- a person or half body with the middle of the face in it, the larger one
    SELECT
        b.detection_id,
        arg_max([p."left", p.top, p."right", p.bottom], (p.kind = 'person', p.bottom - p.top, p.detection_id)) AS body
    FROM ones AS b
    JOIN newest_detections AS p ON p.frame_id = b.frame_id AND p.kind IN ('person', 'halfbody')
    WHERE (b."left" + b."right") / 2 BETWEEN p."left" AND p."right"
      AND (b.top + b.bottom) / 2 BETWEEN p.top AND p.bottom
    GROUP BY b.detection_id
),

clothes AS (
    SELECT frame_id, list({'tag': tag, 'score': score::FLOAT} ORDER BY tag) AS tags
    FROM scored_tags
    WHERE is_outfit_tag(tag) AND category = 'general' AND frame_id IN (SELECT frame_id FROM ones)
    GROUP BY frame_id
),

said AS (
    SELECT detection_id, value FROM box_labels WHERE field = 'appearance' AND detection_id IS NOT NULL
),

seen AS (
    SELECT
        b.*,
        f.source_id, f.episode, f.shot, f.ordinal,
        coalesce(framing(f.tag_ids, face_height(b.kind, b.top, b.bottom)), '') <> 'close-up' AS is_seen
    FROM ones AS b
    JOIN frames AS f ON f.frame_id = b.frame_id
)

SELECT
    s.detection_id, s.frame_id, s.source_id, s.episode, s.shot, s.ordinal,
    coalesce(body[1], greatest(s."left" - s.wide, 0)) AS "left",
    coalesce(body[2], greatest(s.top - s.high / 2, 0)) AS top,
    coalesce(body[3], least(s."right" + s.wide, 1)) AS "right",
    coalesce(body[4], least(s.bottom + 5 * s.high, 1)) AS bottom,
    said.value AS known,
    CASE WHEN s.is_seen THEN coalesce(clothes.tags, []) ELSE [] END AS tags
FROM seen AS s
LEFT JOIN around USING (detection_id)
LEFT JOIN clothes ON clothes.frame_id = s.frame_id
LEFT JOIN said ON said.detection_id = s.detection_id
ORDER BY s.source_id, s.ordinal, s.detection_id
