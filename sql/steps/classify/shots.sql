-- Unknown faces that are named from other frames of the shot. Either the same character was recognised nearby both
-- before and after; or the frame before or after has a confident face at the same position, whose character is also
-- the most similar character of the unknown face.
--
-- scores       the result of scores.sql
--
-- gives        detection_id, character, appearance, score (0.9 times the lower of the two scores; 0.7 times the one
--              score), example_id, by
--
-- Nearby: closer than the size of the larger box, in both directions. Same position: an IoU of at least 0.4.
-- Confident: a score of at least 0.8.
WITH people AS (
    SELECT
        s.detection_id, s.frame_id, s.named, s.second, s.appearance, s.sure, s.example_id,
        d."left", d.top, d."right", d.bottom,
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
        abs(k.ordinal - u.ordinal) AS apart,
        iou(k."left", k.top, k."right", k.bottom, u."left", u.top, u."right", u.bottom) >= 0.4
            AND k.sure >= 0.8 AND k.named = u.second AS is_likely
    FROM people AS u
    JOIN people AS k ON k.source_id = u.source_id AND k.shot = u.shot AND k.ordinal <> u.ordinal
    WHERE u.named = 'unknown'
        AND is_known(k.named)
        AND abs(k.x - u.x) < greatest(k.wide, u.wide)
        AND abs(k.y - u.y) < greatest(k.high, u.high)
),

closest AS (
    SELECT
        detection_id,
        frame_id,
        is_before,
        arg_min({
            'named': named, 'sure': sure, 'appearance': appearance, 'example_id': example_id
        }, (apart, named)) AS one
    FROM near
    GROUP BY detection_id, frame_id, is_before
),

between AS (
    SELECT
        before.detection_id,
        before.frame_id,
        before.one.named AS named,
        before.one.appearance AS appearance,
        0.9 * least(before.one.sure, after.one.sure) AS score,
        before.one.example_id AS example_id
    FROM closest AS before
    JOIN closest AS after ON after.detection_id = before.detection_id AND NOT after.is_before
    WHERE before.is_before AND before.one.named = after.one.named
),

beside AS (
    SELECT
        detection_id,
        frame_id,
        any_value(named) AS named,
        arg_max(appearance, (sure, example_id)) AS appearance,
        0.7 * max(sure) AS score,
        arg_max(example_id, (sure, example_id)) AS example_id
    FROM near
    ANTI JOIN between USING (detection_id)
    ANTI JOIN closest AS other ON other.detection_id = near.detection_id AND other.one.named <> near.named
    WHERE apart = 1 AND is_likely
    GROUP BY detection_id, frame_id
)

SELECT
    answers.detection_id,
    answers.named AS character,
    answers.appearance,
    answers.score::FLOAT AS score,
    answers.example_id,
    'shot' AS "by"
FROM (SELECT * FROM between UNION ALL BY NAME SELECT * FROM beside) AS answers
-- a character is named once per frame
ANTI JOIN people AS other ON other.frame_id = answers.frame_id AND other.named = answers.named
ORDER BY answers.detection_id
