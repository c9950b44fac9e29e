-- What each picture of a relation shows: the facts from which folder names and captions are made.
--
--     SELECT * FROM described('mine')        -- after WITH mine AS (SELECT frame_id AS picture, frame_id FROM kept)
--
-- pictures   name of a relation with picture (any key) and frame_id. Optional: face_id, crop, crop_kind, and
--            picture_tags ([{tag, category, score, counts}], if a picture has other tags than its frame)
-- threshold  minimum score of a tag, 0…1; null is the tagger's own threshold
--
-- For a crop (left, top, right, bottom, 0…1 of the frame), only people inside it are described, with boxes relative to
-- the crop (see in_crop). A face_id without a crop describes that face only.
--
-- key               seed of random choices: the same picture has the same key in every selection
-- faces             boxes relative to the picture, from left to right, with face_id and character
-- cast              the characters from left to right, each once, with appearance; then characters named only for the
--                   picture as a whole, unless this is a crop of a box
-- characters        their names, sorted; character joins them with +, character_string includes appearances
-- fh_ratio          height of the tallest face relative to the picture, 0…1; 0 without a face
-- n_people          number of girls and boys from the counting tags (6: six or more); null if never tagged
CREATE OR REPLACE MACRO described(pictures, threshold := NULL) AS TABLE
WITH wanted AS (
    SELECT
        picture,
        frame_id::VARCHAR AS frame_id,
        face_id::VARCHAR AS face_id,
        crop_kind::VARCHAR AS crop_kind,
        crop::DOUBLE[] AS crop,
        picture_tags,
        -- without a crop, the whole frame
        coalesce(crop[1], 0)::DOUBLE AS x0, coalesce(crop[2], 0)::DOUBLE AS y0,
        coalesce(crop[3], 1)::DOUBLE AS x1, coalesce(crop[4], 1)::DOUBLE AS y1
    FROM (
        SELECT COLUMNS(lambda c: lower(c) IN (
            'picture', 'frame_id', 'face_id', 'crop', 'crop_kind', 'picture_tags'
        ))
        FROM query_table(pictures)
        UNION ALL BY NAME
        SELECT
            NULL::VARCHAR AS face_id,
            NULL::DOUBLE[] AS crop,
            NULL::VARCHAR AS crop_kind,
            NULL::STRUCT(tag VARCHAR, category VARCHAR, score DOUBLE, counts BOOLEAN)[] AS picture_tags
        WHERE false
    )
),

placed AS (
    SELECT
        a.picture,
        d.detection_id,
        d.kind = 'face' AS is_face,
        CASE WHEN is_known(d.character) THEN d.character END AS character,
        CASE WHEN is_known(d.character) THEN d.appearance END AS appearance,
        greatest((d.left - x0) / (x1 - x0), 0) AS "left",
        greatest((d.top - y0) / (y1 - y0), 0) AS "top",
        least((d.right - x0) / (x1 - x0), 1) AS "right",
        least((d.bottom - y0) / (y1 - y0), 1) AS "bottom"
    FROM wanted AS a
    JOIN identified_detections AS d USING (frame_id)
    WHERE (d.kind = 'face' OR is_known(d.character))
        AND CASE
            WHEN a.crop IS NULL THEN coalesce(d.detection_id = a.face_id, true)
            ELSE in_crop(d.left, d.top, d.right, d.bottom, a.crop)
        END
),

people AS (
    SELECT
        picture,
        list_sort(list({  -- faster than a list that is made in order
            'left': "left", 'id': detection_id, 'is_face': is_face, 'character': character, 'appearance': appearance,
            'top': "top", 'right': "right", 'bottom': "bottom"
        })) AS seen,
        max("bottom" - "top") FILTER (WHERE is_face) AS fh_ratio
    FROM placed
    GROUP BY picture
),

in_order AS (
    SELECT
        picture,
        fh_ratio,
        list_transform(
            list_filter(seen, lambda b: b.is_face),
            lambda b: {
                'face_id': b.id, 'character': b.character,
                'left': b.left, 'top': b.top, 'right': b.right, 'bottom': b.bottom
            }
        ) AS faces,
        list_transform(
            list_filter(seen, lambda b: b.character IS NOT NULL),
            lambda b: {'character': b.character, 'appearance': b.appearance}
        ) AS cast_in_order
    FROM people
),

on_picture AS (
    SELECT frame_id, list(character ORDER BY label_id) AS names FROM picture_names GROUP BY frame_id
),

cast_of AS (
    SELECT
        a.picture,
        coalesce(p.faces, []) AS faces,
        coalesce(p.fh_ratio, 0) AS fh_ratio,
        first_of_each(coalesce(p.cast_in_order, [])) || CASE
            WHEN a.face_id IS NULL AND coalesce(a.crop_kind, '') = ''
                THEN also_there(coalesce(p.cast_in_order, []), coalesce(o.names, []))
            ELSE []
        END AS "cast"
    FROM wanted AS a
    LEFT JOIN in_order AS p USING (picture)
    LEFT JOIN on_picture AS o ON o.frame_id = a.frame_id
),

-- The tags as numbers, or as names if the picture has its own.
tagged AS (
    SELECT
        a.picture, f.source_id, f.rating, f."show", f.season, f.episode, f.shot,
        a.picture_tags IS NULL AS are_numbers,
        tags_at(f.tags, f.tag_scores, f.sure_tags, min_score) AS numbers,
        names_of_tags(a.picture_tags, min_score) AS names
    FROM wanted AS a
    CROSS JOIN (SELECT threshold AS min_score) AS settings
    LEFT JOIN tagged_frames AS f ON f.frame_id = a.frame_id
),

counted AS (
    SELECT
        * EXCLUDE (are_numbers, numbers, names),
        CASE WHEN are_numbers THEN n_girls(numbers) ELSE n_girls(names) END AS n_girls,
        CASE WHEN are_numbers THEN n_boys(numbers) ELSE n_boys(names) END AS n_boys
    FROM tagged
)

SELECT
    a.picture,
    a.frame_id,
    concat_ws('/', a.frame_id, a.face_id, a.crop::VARCHAR) AS key,
    a.face_id,
    a.crop,
    a.crop_kind,
    a.picture_tags,
    p.faces,
    p."cast",
    names_of(p."cast") AS characters,
    nullif(array_to_string(names_of(p."cast"), '+'), '') AS character,
    nullif(array_to_string(named_in_full(p."cast"), '+'), '') AS character_string,
    nullif(array_to_string(appearances_of(p."cast"), '+'), '') AS appearance,
    len(p.faces) AS n_faces,
    len(names_of(p."cast")) AS n_characters,
    c.n_girls,
    c.n_boys,
    CASE WHEN c.n_girls IS NOT NULL THEN least(c.n_girls + c.n_boys, 6) END AS n_people,
    p.fh_ratio,
    c.rating,
    c."show",
    c.season,
    c.episode,
    c.shot,
    s.image_type
FROM wanted AS a
LEFT JOIN cast_of AS p ON p.picture = a.picture
LEFT JOIN counted AS c ON c.picture = a.picture
LEFT JOIN sources AS s ON s.source_id = c.source_id;
