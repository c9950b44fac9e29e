-- People whose face is not seen, in a shot where the same place held a known face: heads, else bodies.
--
-- scores       what classify_scores.sql gives, with what tags and shots have added
--
-- gives        detection_id, frame_id, source_id, character, appearance, score (0.7 of the face's), example_id, by
--
-- Looked at are the frames next to it and those within two seconds. The place is the head box, or the upper third of a half body or person. One that held two characters in that
-- shot says nothing, nor does a name with a score below 0.8; and nobody is in a frame twice.
WITH faces_of AS (
    SELECT
        s.named, s.appearance, s.sure, s.example_id,
        f.frame_id, f.source_id, f.shot, f.ordinal, f.time_s,
        (d.left + d.right) / 2 AS x, (d.top + d.bottom) / 2 AS y, d.bottom - d.top AS high
    FROM scores AS s
    JOIN newest_detections AS d USING (detection_id)
    JOIN lance_frames AS f ON f.frame_id = d.frame_id
),

boxes AS (
    SELECT
        d.detection_id, d.frame_id, f.source_id, f.shot, f.ordinal, f.time_s,
        CASE d.kind WHEN 'head' THEN 1 WHEN 'halfbody' THEN 2 ELSE 3 END AS rank,
        d.left AS l, d.right AS r, d.top AS t, d.bottom AS whole_b,
        CASE d.kind WHEN 'head' THEN d.bottom ELSE d.top + (d.bottom - d.top) / 3 END AS b
    FROM newest_detections AS d
    JOIN lance_frames AS f ON f.frame_id = d.frame_id
    WHERE d.kind IN ('head', 'halfbody', 'person')
),

with_face AS (
    SELECT DISTINCT boxes.*
    FROM boxes
    JOIN newest_detections AS d
        ON d.frame_id = boxes.frame_id
        AND d.kind = 'face'
        AND (d.left + d.right) / 2 BETWEEN boxes.l AND boxes.r
        AND (d.top + d.bottom) / 2 BETWEEN boxes.t AND boxes.whole_b
),

faceless AS (
    SELECT boxes.*
    FROM boxes
    -- a second box around somebody whose face is seen is nobody else
    ANTI JOIN with_face AS other
        ON other.frame_id = boxes.frame_id
        AND (
            other.detection_id = boxes.detection_id
            OR inside(boxes.l, boxes.t, boxes.r, boxes.whole_b, other.l, other.t, other.r, other.whole_b) > 0.3
        )
),

matches AS (
    SELECT
        b.*, k.named, k.appearance, k.sure, k.example_id,
        abs(k.ordinal - b.ordinal) AS apart
    FROM faceless AS b
    JOIN faces_of AS k
        ON k.source_id = b.source_id AND k.shot = b.shot AND k.ordinal <> b.ordinal
        AND k.x BETWEEN b.l AND b.r AND k.y BETWEEN b.t AND b.b
    WHERE (abs(k.ordinal - b.ordinal) = 1 OR abs(k.time_s - b.time_s) <= 2)
        AND k.high BETWEEN 0.3 * (b.b - b.t) AND 1.1 * (b.b - b.t)  -- a face of about that head's size
),

one_name AS (
    SELECT
        detection_id, frame_id, source_id, rank,
        any_value(named) AS named,
        arg_min({'appearance': appearance, 'sure': sure, 'example_id': example_id}, (apart, example_id)) AS one,
        min(apart) AS apart
    FROM matches
    GROUP BY detection_id, frame_id, source_id, rank
    HAVING count(DISTINCT named) = 1 AND any_value(named) NOT IN ('unknown', 'ood') AND max(sure) >= 0.8
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
