-- Candidate faces for a review.
--
-- $n         number of faces with the highest `worth`: at most one per shot, character and second character
-- $n_random  number of random faces; the accuracy of all other faces is estimated from these
-- $seed      seed of the random choice
-- gives      the facts that a person needs for an answer, in the order of the review, and the vector. drawn is worth or
--            lot (random); total is the number of classified faces. A face can be there twice, once for each.
WITH ranked AS (
    SELECT
        *,
        count(*) OVER () AS total,
        row_number() OVER (
            PARTITION BY source_id, shot, character, second ORDER BY worth DESC, face_id
        ) AS rank_in_shot
    FROM doubts
),

by_worth AS (
    SELECT *, 'worth' AS drawn, row_number() OVER (ORDER BY worth DESC, face_id) AS turn
    FROM ranked
    WHERE rank_in_shot = 1 AND frame_id NOT IN (SELECT frame_id FROM lance_duplicates WHERE NOT keeper)
    ORDER BY turn
    LIMIT $n
),

at_random AS (
    SELECT *, 'lot' AS drawn, row_number() OVER (ORDER BY md5(face_id || ':' || $seed::VARCHAR), face_id) AS turn
    FROM ranked
    ORDER BY turn
    LIMIT $n_random
)

SELECT
    face_id, frame_id, source_id, character,
    round(score::DOUBLE, 3) AS score, round(margin::DOUBLE, 3) AS margin, second,
    CASE drawn WHEN 'lot' THEN 'lot' ELSE reason END AS reason,
    drawn, total, "show", season, episode, time_s,
    concat_ws(' ', episode_name(season, episode), clock(time_s)) AS seen,
    "left", top, "right", bottom, vector
FROM (SELECT * FROM by_worth UNION ALL BY NAME SELECT * FROM at_random)
JOIN (SELECT detection_id AS face_id, vector FROM newest_detections) USING (face_id)
ORDER BY drawn DESC, turn
