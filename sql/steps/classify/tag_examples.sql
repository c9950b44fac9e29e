-- Example faces for a character that the tagger knows: faces that are the only one in a frame with the tag.
--
-- $tag        the tag
-- $min_score  minimum score of the tag, 0…1
-- $limit      maximum number of faces
--
-- gives       detection_id, first the highest score of each shot, so that the examples differ
WITH ranked AS (
    SELECT
        alone.detection_id,
        t.score,
        row_number() OVER (PARTITION BY f.source_id, f.shot ORDER BY t.score DESC, f.frame_id) AS turn
    FROM scored_tags AS t
    JOIN only_faces AS alone USING (frame_id)
    JOIN lance_frames AS f ON f.frame_id = t.frame_id
    WHERE t.tag = $tag AND t.score >= $min_score AND alone.vector_model IS NOT NULL
)

SELECT detection_id FROM ranked ORDER BY turn, score DESC, detection_id LIMIT $limit
