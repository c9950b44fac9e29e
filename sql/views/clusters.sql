-- Groups of faces that look like the same person, from `animeds characters cluster`. Cluster 1 is the largest.
--
-- cluster     null for a face that is similar to no other face
-- similarity  cosine with the cluster's centre, -1…1
-- character   the current name of the face, or the character of which it is an example
CREATE OR REPLACE VIEW clusters AS
SELECT
    c.cluster,
    f.face_id,
    f.frame_id,
    c.similarity,
    coalesce(f.character, known.character) AS character,
    f.source_id,
    f."show",
    f.season,
    f.episode
FROM lance_clusters AS c
JOIN faces AS f ON f.face_id = c.detection_id
LEFT JOIN (
    SELECT face_id, any_value(character ORDER BY added_at DESC) AS character
    FROM examples
    WHERE face_id IS NOT NULL
    GROUP BY face_id
) AS known ON known.face_id = f.face_id;
