-- People seen from behind: boxes without a face, in a shot in which a known face was at the same position.
--
-- scores   the result of scores.sql, updated with names from tags and shots
-- gives    detection_id, frame_id, source_id, character, appearance, score (0.7 of the face's), example_id, by
--
-- The box is compared with faces in the frame before and after, and within two seconds. There is no name if two
-- characters were at that position in the shot, or if the score is below 0.8. A character is named once per frame.
-- Boxes that were recognised by their own vector are left out.
WITH faces_of AS (
    SELECT
        s.named, s.appearance, s.sure, s.example_id,
        f.frame_id, f.source_id, f.shot, f.ordinal, f.time_s,
        (d.left + d.right) / 2 AS x, (d.top + d.bottom) / 2 AS y, d.bottom - d.top AS high
    FROM scores AS s
    JOIN newest_detections AS d USING (detection_id)
    JOIN lance_frames AS f ON f.frame_id = d.frame_id
),

matches AS (
    SELECT
        b.detection_id, b.frame_id, b.source_id, b.rank, k.named, k.appearance, k.sure, k.example_id,
        abs(k.ordinal - b.ordinal) AS apart
    FROM faceless_boxes AS b
    JOIN faces_of AS k
        ON k.source_id = b.source_id AND k.shot = b.shot AND k.ordinal <> b.ordinal
        AND k.x BETWEEN b.l AND b.r AND k.y BETWEEN b.t AND b.head_b
    WHERE (abs(k.ordinal - b.ordinal) = 1 OR abs(k.time_s - b.time_s) <= 2)
        AND k.high BETWEEN 0.3 * (b.head_b - b.t) AND 1.1 * (b.head_b - b.t)  -- a face of about that head's size
),

one_name AS (
    SELECT
        detection_id, frame_id, source_id, rank,
        any_value(named) AS named,
        arg_min({'appearance': appearance, 'sure': sure, 'example_id': example_id}, (apart, example_id)) AS one,
        min(apart) AS apart
    FROM matches
    ANTI JOIN scores AS recognised USING (detection_id)
    GROUP BY detection_id, frame_id, source_id, rank
    HAVING count(DISTINCT named) = 1 AND is_known(any_value(named)) AND max(sure) >= 0.8
)

SELECT
    detection_id,
    frame_id,
    source_id,
    named AS character,
    one.appearance AS appearance,
    (0.7 * one.sure)::FLOAT AS score,
    one.example_id AS example_id,
    'body' AS "by"
FROM one_name
ANTI JOIN faces_of AS seen ON seen.frame_id = one_name.frame_id AND seen.named = one_name.named
QUALIFY row_number() OVER (PARTITION BY frame_id, named ORDER BY rank, apart, detection_id) = 1
ORDER BY detection_id
