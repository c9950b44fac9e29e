-- The faces that a review may ask about.
--
-- $n      how many by what looking at them is worth: one of each shot, name and doubt
-- $lot    how many by lot; from these the accuracy of the rest is estimated
-- $seed   another number, another lot
-- gives   what a person needs to answer, in the order of asking, and the vector; drawn is worth or lot, total
--         the number of answered faces from which they were drawn; a face may be there as both
WITH ranked AS (
    SELECT
        *,
        count(*) OVER () AS total,
        row_number() OVER (
            PARTITION BY source_id, shot, character, second ORDER BY worth DESC, face_id
        ) AS place_in_shot
    FROM doubts
),

by_worth AS (
    SELECT *, 'worth' AS drawn, row_number() OVER (ORDER BY worth DESC, face_id) AS turn
    FROM ranked
    WHERE place_in_shot = 1 AND frame_id NOT IN (SELECT frame_id FROM lance_duplicates WHERE NOT keeper)
    ORDER BY turn
    LIMIT $n
),

by_lot AS (
    SELECT *, 'lot' AS drawn, row_number() OVER (ORDER BY md5(face_id || ':' || $seed::VARCHAR), face_id) AS turn
    FROM ranked
    ORDER BY turn
    LIMIT $lot
)

SELECT
    face_id, frame_id, source_id, character,
    round(score::DOUBLE, 3) AS score, round(margin::DOUBLE, 3) AS margin, second,
    CASE drawn WHEN 'lot' THEN 'lot' ELSE reason END AS reason,
    drawn, total, "show", season, episode, time_s,
    concat_ws(' ', episode_name(season, episode), clock(time_s)) AS seen,
    "left", top, "right", bottom, vector
FROM (SELECT * FROM by_worth UNION ALL BY NAME SELECT * FROM by_lot)
JOIN (SELECT detection_id AS face_id, vector FROM newest_detections) USING (face_id)
ORDER BY drawn DESC, turn
