-- The value that colours each face on the map.
--
-- {start}  the points: id, frame_id, source_id
-- {by}     character | appearance | cluster | episode
-- gives    id, value; null without one
WITH people AS (
    SELECT face_id AS id, character, character || ' · ' || appearance AS appearance FROM characters
),

grouped AS (
    SELECT face_id AS id, 'group ' || cluster AS cluster FROM clusters
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
LEFT JOIN people USING (id)
LEFT JOIN grouped USING (id)
LEFT JOIN episodes USING (source_id)
