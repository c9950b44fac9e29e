-- The boxes of each person in some frames: which face, head, half body and person box belong together.
--
-- pictures   name of a relation with frame_id
-- gives      detection_id, frame_id, kind, size (1 face, 2 head, 3 half body, 4 person), person (the id of the smallest
--            box of the same person: the face if it is seen), and the box: left, top, right, bottom
--
-- A box belongs to a larger one if its centre is inside. Of several larger boxes of a kind, it belongs to the one in
-- which it is most where a head is: in the middle, at the top.
CREATE OR REPLACE MACRO person_boxes(pictures) AS TABLE
WITH parts AS MATERIALIZED (
    SELECT
        detection_id, frame_id, kind,
        list_position(['face', 'head', 'halfbody', 'person'], kind) AS size,
        d."left", d.top, d."right", d.bottom,
        (d."left" + d."right") / 2 AS x,
        (d.top + d.bottom) / 2 AS y
    FROM newest_detections AS d
    SEMI JOIN query_table(pictures) USING (frame_id)
    WHERE d.kind IN ('face', 'head', 'halfbody', 'person')
),

pairs AS (
    SELECT
        part.detection_id AS part,
        part.size,
        whole.detection_id AS whole,
        abs(part.x - (whole."left" + whole."right") / 2) / (whole."right" - whole."left")
        + (part.y - whole.top) / (whole.bottom - whole.top) AS distance
    FROM parts AS part
    JOIN parts AS whole
        ON whole.frame_id = part.frame_id
        AND whole.size > part.size
        AND part.x BETWEEN whole."left" AND whole."right"
        AND part.y BETWEEN whole.top AND whole.bottom
    QUALIFY 1 = row_number() OVER (PARTITION BY part.detection_id, whole.kind ORDER BY distance, whole.detection_id)
),

belongs AS (
    SELECT whole AS detection_id, arg_min(part, (size, distance, part)) AS person FROM pairs GROUP BY whole
)

SELECT
    detection_id, frame_id, kind, size,
    coalesce(belongs.person, detection_id) AS person,
    "left", top, "right", bottom
FROM parts
LEFT JOIN belongs USING (detection_id);
