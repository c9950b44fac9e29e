-- The value that colours each frame on the map.
--
-- {start}  the points: id, frame_id, source_id
-- {by}     character | appearance | cluster | episode
-- gives    id, value; null without one; "several" for a frame with several
WITH people AS (
    SELECT
        frame_id,
        CASE WHEN count(DISTINCT character) > 1 THEN 'several' ELSE any_value(character) END AS character,
        CASE
            WHEN count(DISTINCT concat(character, '/', appearance)) > 1 THEN 'several'
            ELSE any_value(character || ' · ' || appearance)
        END AS appearance
    FROM characters
    GROUP BY frame_id
),

grouped AS (
    SELECT
        frame_id,
        CASE WHEN count(DISTINCT cluster) > 1 THEN 'several' ELSE 'group ' || any_value(cluster) END AS cluster
    FROM clusters
    WHERE cluster IS NOT NULL
    GROUP BY frame_id
),

episodes AS (
    SELECT
        source_id,
        concat_ws(
            ' ', nullif(concat('S' || printf('%02d', season), 'E' || printf('%02d', episode)), ''), "show"
        ) AS episode
    FROM sources
)

SELECT points.id, {by} AS value
FROM ({start}) AS points
LEFT JOIN people USING (frame_id)
LEFT JOIN grouped USING (frame_id)
LEFT JOIN episodes USING (source_id)
