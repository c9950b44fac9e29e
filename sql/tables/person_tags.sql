-- The tags of the person in each crop of a box: one row per picture whose person has a tagged box.
--
-- pictures   name of a relation with picture, frame_id and face_id (the box that is cut out)
-- gives      picture, tags ([{tag, category, score, counts}], as tag_structs() makes them)
--
-- The tags are those of the box itself, or else of the box of the same person that is nearest to it in size.
CREATE OR REPLACE MACRO person_tags(pictures) AS TABLE
WITH boxes AS (
    FROM person_boxes(pictures) WHERE getvariable('boxes_tagged')
),

nearest AS (
    SELECT p.picture, arg_min(other.detection_id, (abs(other.size - own.size), other.detection_id)) AS detection_id
    FROM query_table(pictures) AS p
    JOIN boxes AS own ON own.detection_id = p.face_id
    JOIN boxes AS other ON other.person = own.person
    SEMI JOIN used_box_tags AS t ON t.detection_id = other.detection_id
    GROUP BY p.picture
)

SELECT picture, tag_structs({'tag_ids': t.tags, 'scores': t.tag_scores}, t.sure_tags) AS tags
FROM nearest
JOIN used_box_tags AS t USING (detection_id);
