-- What the frames of one character show: a row per frame and aspect.
--
-- selection    any relation with frame_id: the frames that count as chosen
-- $character   whose
-- gives    frame_id, appearance (NULL: not known), aspect (angle, framing, expression, setting), value,
--          chosen   the frame is in the selection
--          why      of a frame that is not chosen: dropped, copy (a near-duplicate) or free
--          merit    the order of the best frames, the highest first: gates passed, alone, score, sharpness
--
-- Tags are those of the whole frame. While others are on it, only the setting is taken from them; the framing is then
-- that of the face, and the expression is not known.
WITH ones AS (
    SELECT
        c.frame_id,
        arg_max(
            {
                'appearance': c.appearance, 'score': c.score, 'face_seen': c.kind = 'face',
                'height': face_height(c.kind, d.top, d.bottom)
            },
            (c.kind = 'face', c.score, c.face_id)
        ) AS box
    FROM characters AS c
    JOIN newest_detections AS d ON d.detection_id = c.face_id
    WHERE c.character = $character
    GROUP BY c.frame_id
),

reasons AS (SELECT frame_id, min(why) AS why FROM left_out GROUP BY frame_id),

seen AS (
    SELECT
        f.frame_id,
        box.appearance AS appearance,
        box.face_seen AS face_seen,
        box.height AS height,
        f.tag_ids AS all_tags,
        CASE WHEN is_alone(who.characters, who.n_boxes, $character) THEN f.tag_ids END AS own_tags,
        s.frame_id IS NOT NULL AS chosen,
        coalesce(r.why, 'free') AS why,
        {
            'is_good': g.gate = 'passed',
            'is_alone': is_alone(who.characters, who.n_boxes, $character),
            'score': round(box.score::DOUBLE, 1),
            'sharpness': coalesce(f.sharpness, 0)
        } AS merit
    FROM ones AS b
    JOIN frames AS f ON f.frame_id = b.frame_id
    JOIN frame_characters AS who ON who.frame_id = b.frame_id
    JOIN gates() AS g ON g.frame_id = b.frame_id
    LEFT JOIN (SELECT DISTINCT frame_id::VARCHAR AS frame_id FROM selection) AS s ON s.frame_id = b.frame_id
    LEFT JOIN reasons AS r ON r.frame_id = b.frame_id
    WHERE f.is_blank IS NOT TRUE
),

described AS (
    SELECT
        frame_id, appearance, chosen, why, merit,
        unnest([
            {'aspect': 'angle', 'value': angle(own_tags, face_seen)},
            {'aspect': 'framing', 'value': framing(own_tags, height)},
            {'aspect': 'expression', 'value': CASE WHEN own_tags IS NOT NULL THEN expression(own_tags, face_seen) END},
            {'aspect': 'setting', 'value': setting(all_tags)}
        ]) AS one
    FROM seen
)

SELECT frame_id, appearance, one.aspect AS aspect, one.value AS value, chosen, why, merit
FROM described
WHERE one.value IS NOT NULL
ORDER BY frame_id, aspect
