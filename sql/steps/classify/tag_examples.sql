-- Faces to learn a character from that the tagger knows: the only face of a frame that bears the tag.
--
-- $tag, $least (score of the tag, 0…1), $most (faces)
--
-- gives        detection_id, the surest of each shot first, so that the examples differ
WITH alone AS (
    SELECT frame_id, any_value(detection_id) AS detection_id, any_value(vector_model) AS vector_model
    FROM newest_detections
    WHERE kind = 'face'
    GROUP BY frame_id
    HAVING count(*) = 1
),

found AS (
    SELECT
        alone.detection_id,
        t.score,
        row_number() OVER (PARTITION BY f.source_id, f.shot ORDER BY t.score DESC, f.frame_id) AS turn
    FROM scored_tags AS t
    JOIN alone USING (frame_id)
    JOIN lance_frames AS f ON f.frame_id = t.frame_id
    WHERE t.tag = $tag AND t.score >= $least AND alone.vector_model IS NOT NULL
)

SELECT detection_id FROM found ORDER BY turn, score DESC, detection_id LIMIT $most
