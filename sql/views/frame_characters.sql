-- The characters of each frame, one row per frame. For macros such as has_exactly, and for sorting into folders.
--
-- characters        sorted names, each once; [] if there are none
-- character_string  the same as one text: 'Fate+Nanoha'; null if there are none
-- character         the name, if there is exactly one
-- n_characters      number of names
-- n_faces           number of faces that the detector found
-- n_unknown         number of faces without a name
-- n_boxes           number of people: the largest of the numbers of faces, heads and persons
CREATE OR REPLACE VIEW frame_characters AS
WITH counted AS (
    SELECT
        frame_id,
        list({'character': character, 'appearance': NULL::VARCHAR}) FILTER (WHERE is_known(character)) AS people,
        count(*) FILTER (WHERE kind = 'face') AS n_faces,
        count(*) FILTER (WHERE kind = 'face' AND is_known(character) IS NOT TRUE) AS n_unknown,
        greatest(
            count(*) FILTER (WHERE kind = 'face'),
            count(*) FILTER (WHERE kind = 'head'),
            count(*) FILTER (WHERE kind = 'person')
        ) AS n_boxes
    FROM identified_detections
    GROUP BY frame_id
),

on_picture AS (
    SELECT frame_id, list(character ORDER BY label_id) AS names FROM picture_names GROUP BY frame_id
),

named_frames AS (
    SELECT
        f.*,
        c.* EXCLUDE (frame_id, people),
        names_of(coalesce(c.people, []) || also_there(coalesce(c.people, []), coalesce(o.names, []))) AS characters
    FROM lance_frames AS f
    LEFT JOIN counted AS c USING (frame_id)
    LEFT JOIN on_picture AS o USING (frame_id)
)

SELECT
    frame_id,
    characters,
    CASE WHEN len(characters) > 0 THEN array_to_string(characters, '+') END AS character_string,
    CASE WHEN len(characters) = 1 THEN characters[1] END AS character,
    coalesce(len(characters), 0) AS n_characters,
    coalesce(n_faces, 0) AS n_faces,
    coalesce(n_unknown, 0) AS n_unknown,
    coalesce(n_boxes, 0) AS n_boxes,
    source_id,
    "show",
    show_name,
    season,
    episode
FROM named_frames;
