-- The faces that a review asks about.
--
-- $n      how many by what looking at them is worth: one of each shot, name and doubt
-- $lot    how many more by lot, from all others; from these the accuracy of the rest is estimated
-- $seed   another number, another lot
-- gives   what a person needs to answer, in the order of asking; drawn is worth or lot, total the number of
--         answered faces from which they were drawn
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
    SELECT *, 'worth' AS drawn
    FROM ranked
    WHERE place_in_shot = 1 AND frame_id NOT IN (SELECT frame_id FROM lance_duplicates WHERE NOT keeper)
    ORDER BY worth DESC, face_id
    LIMIT $n
),

by_lot AS (
    SELECT *, 'lot' AS drawn
    FROM ranked
    ANTI JOIN by_worth USING (face_id)
    ORDER BY md5(face_id || ':' || $seed::VARCHAR), face_id
    LIMIT $lot
)

SELECT
    face_id, frame_id, source_id, character,
    round(score::DOUBLE, 3) AS score, round(margin::DOUBLE, 3) AS margin, second,
    CASE drawn WHEN 'lot' THEN 'lot' ELSE reason END AS reason,
    drawn, total, "show", season, episode, time_s,
    concat_ws(' ', episode_name(season, episode), clock(time_s)) AS seen,
    "left", top, "right", bottom
FROM (SELECT * FROM by_worth UNION ALL BY NAME SELECT * FROM by_lot)
ORDER BY drawn DESC, worth DESC, face_id
