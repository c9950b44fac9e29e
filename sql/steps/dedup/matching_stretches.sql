-- Frames that two sources share in the same order and at the same pace, numbered by stretch.
--
-- frames     row, source_id, shot, time_s, season, episode
-- matches    a, b: rows of near-duplicates
-- $gap_s     maximum gap within a stretch, in seconds
-- gives      source_id, other (another source), time_s, other_s (the times in the two sources), shot, pace and stretch
--            (numbers)
WITH crossed AS (
    SELECT l.source_id, r.source_id AS other, l.time_s, r.time_s AS other_s, l.shot
    FROM (SELECT a, b FROM matches UNION ALL SELECT b, a FROM matches) AS m
    JOIN frames AS l ON l."row" = m.a
    JOIN frames AS r ON r."row" = m.b
    WHERE l.source_id <> r.source_id AND l.time_s IS NOT NULL AND r.time_s IS NOT NULL
),

-- How much later a frame is seen in the other source. The distance is constant in shared footage.
distances AS (
    SELECT *, other_s - time_s AS distance,
        coalesce(
            distance - lag(distance) OVER (PARTITION BY source_id, other ORDER BY distance, time_s) > 0.25, true
        ) AS begins
    FROM crossed
),

paced AS (
    SELECT *, sum(begins::INT) OVER (PARTITION BY source_id, other ORDER BY distance, time_s) AS pace
    FROM distances
),

gaps AS (
    SELECT *,
        coalesce(
            time_s - lag(time_s) OVER (PARTITION BY source_id, other, pace ORDER BY time_s, other_s) > $gap_s, true
        ) AS begins_stretch
    FROM paced
),

numbered AS MATERIALIZED (
    SELECT *, sum(begins_stretch::INT) OVER (PARTITION BY source_id, other, pace ORDER BY time_s, other_s) AS stretch
    FROM gaps
),

-- A shot belongs to the stretch if at least half of its frames match. A single similar frame is not enough.
whole AS (
    SELECT source_id, other, pace, stretch, shot
    FROM (
        SELECT source_id, other, pace, stretch, shot, count(DISTINCT time_s) AS n_matching
        FROM numbered
        GROUP BY source_id, other, pace, stretch, shot
    ) AS matching
    JOIN (
        SELECT source_id, shot, count(DISTINCT time_s) AS n_frames FROM frames GROUP BY source_id, shot
    ) AS shots USING (source_id, shot)
    WHERE 2 * n_matching >= n_frames
)

SELECT source_id, other, time_s, other_s, shot, pace, stretch
FROM numbered
SEMI JOIN whole USING (source_id, other, pace, stretch, shot)
