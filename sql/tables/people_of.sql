-- The people on pictures, from left to right: one row per picture and person.
--
-- pictures   name of a relation with the columns of described()
-- gives      picture (the picture's key and the person's id: a picture for tags_of() and caption_tags()), frame_id,
--            key, on_picture (the picture), place (from 1, left to right), n_people (on that picture), person, part
--            (left, top, right, bottom of the person's largest box, relative to the picture, 0…1), who (name and
--            appearance), characters (the name, or an empty list), described_by (the boxes of the person, the
--            largest first), and picture_tags: the tags of the person (see box_tags). Without them, a person
--            alone has those of the picture (NULL), and several people have none (an empty list).
CREATE OR REPLACE MACRO people_of(pictures) AS TABLE
WITH shown AS (
    SELECT
        p.picture, p.frame_id, p.key, p.crop, p.picture_tags,
        b.detection_id, b.size, b.person, b."left", b.top, b."right", b.bottom,
        CASE WHEN is_known(d.character) THEN {'character': d.character, 'appearance': d.appearance} END AS who
    FROM query_table(pictures) AS p
    JOIN person_boxes(pictures) AS b USING (frame_id)
    JOIN identified_detections AS d USING (detection_id)
    ANTI JOIN box_labels AS dropped
        ON dropped.field = 'frame' AND dropped.value = 'drop' AND dropped.detection_id = b.detection_id
    WHERE in_crop(b."left", b.top, b."right", b.bottom, coalesce(p.crop, [0, 0, 1, 1]::DOUBLE[]))
),

people AS (
    SELECT
        picture, person,
        any_value(frame_id) AS frame_id,
        any_value(key) AS key,
        any_value(picture_tags) AS tags_of_picture,
        any_value(coalesce(crop, [0, 0, 1, 1]::DOUBLE[])) AS crop,
        arg_max(["left", top, "right", bottom]::DOUBLE[], size) AS box,
        arg_min(who, size) FILTER (WHERE who IS NOT NULL) AS who,
        list(detection_id ORDER BY size DESC, detection_id) AS described_by
    FROM shown
    GROUP BY picture, person
),

tagged AS (
    SELECT
        b.picture, b.person,
        arg_max(tag_structs({'tag_ids': t.tags, 'scores': t.tag_scores}, t.sure_tags), b.size) AS tags
    FROM shown AS b
    JOIN used_box_tags AS t USING (detection_id)
    GROUP BY b.picture, b.person
),

counted AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY picture ORDER BY box[1] + box[3], person) AS place,
        count(*) OVER (PARTITION BY picture) AS n_people
    FROM people
)

SELECT
    concat_ws('/', c.key, c.person) AS picture,
    c.frame_id,
    concat_ws('/', c.key, c.person) AS key,
    c.picture AS on_picture,
    c.place,
    c.n_people,
    c.person,
    [
        greatest((c.box[1] - c.crop[1]) / (c.crop[3] - c.crop[1]), 0),
        greatest((c.box[2] - c.crop[2]) / (c.crop[4] - c.crop[2]), 0),
        least((c.box[3] - c.crop[1]) / (c.crop[3] - c.crop[1]), 1),
        least((c.box[4] - c.crop[2]) / (c.crop[4] - c.crop[2]), 1)
    ]::DOUBLE[] AS part,
    c.who,
    CASE WHEN c.who IS NULL THEN [] ELSE [c.who.character] END AS characters,
    c.described_by,
    CASE
        WHEN t.tags IS NOT NULL THEN t.tags
        WHEN c.n_people = 1 THEN c.tags_of_picture
        ELSE []
    END AS picture_tags
FROM counted AS c
LEFT JOIN tagged AS t USING (picture, person);
