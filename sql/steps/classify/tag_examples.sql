-- Faces to learn a character from that the tagger knows: the only face of a frame that has the tag.
--
-- $tag     the tag
-- $least   its lowest score, 0…1
-- $most    how many faces, at most
--
-- gives        detection_id, the surest of each shot first, so that the examples differ
WITH found AS (
    SELECT
        alone.detection_id,
        t.score,
        row_number() OVER (PARTITION BY f.source_id, f.shot ORDER BY t.score DESC, f.frame_id) AS turn
    FROM scored_tags AS t
    JOIN only_faces AS alone USING (frame_id)
    JOIN lance_frames AS f ON f.frame_id = t.frame_id
    WHERE t.tag = $tag AND t.score >= $least AND alone.vector_model IS NOT NULL
)

SELECT detection_id FROM found ORDER BY turn, score DESC, detection_id LIMIT $most
