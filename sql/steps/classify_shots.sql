-- Unknown faces between two of one character: recognised before and after in the same shot, near in place.
--
-- scores       what classify_scores.sql gives
--
-- gives        detection_id, character, appearance, score (0.9 of the less sure of the two), example_id, by
--
-- Near is less than the size of the larger box away, in both directions.
WITH people AS (
    SELECT
        s.detection_id, s.frame_id, s.named, s.appearance, s.sure, s.example_id,
        f.source_id, f.shot, f.ordinal,
        (d.left + d.right) / 2 AS x, (d.top + d.bottom) / 2 AS y, d.right - d.left AS wide, d.bottom - d.top AS high
    FROM scores AS s
    JOIN newest_detections AS d USING (detection_id)
    JOIN lance_frames AS f ON f.frame_id = d.frame_id
),

near AS (
    SELECT
        u.detection_id,
        u.frame_id,
        k.named,
        k.sure,
        k.appearance,
        k.example_id,
        k.ordinal < u.ordinal AS is_before,
        abs(k.ordinal - u.ordinal) AS apart
    FROM people AS u
    JOIN people AS k ON k.source_id = u.source_id AND k.shot = u.shot AND k.ordinal <> u.ordinal
    WHERE u.named = 'unknown'
        AND k.named NOT IN ('unknown', 'ood')
        AND abs(k.x - u.x) < greatest(k.wide, u.wide)
        AND abs(k.y - u.y) < greatest(k.high, u.high)
),

closest AS (
    SELECT
        detection_id,
        frame_id,
        is_before,
        arg_min({'named': named, 'sure': sure, 'appearance': appearance, 'example_id': example_id}, (apart, named)) AS one
    FROM near
    GROUP BY detection_id, frame_id, is_before
)

SELECT
    before.detection_id,
    any_value(before.one.named) AS character,
    any_value(before.one.appearance) AS appearance,
    any_value(0.9 * least(before.one.sure, after.one.sure))::FLOAT AS score,
    any_value(before.one.example_id) AS example_id,
    'shot' AS "by"
FROM closest AS before
JOIN closest AS after ON after.detection_id = before.detection_id AND NOT after.is_before
-- nobody is in a frame twice
ANTI JOIN people AS other ON other.frame_id = before.frame_id AND other.named = before.one.named
WHERE before.is_before AND before.one.named = after.one.named
GROUP BY before.detection_id
ORDER BY before.detection_id
