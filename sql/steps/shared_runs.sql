-- Runs of shots that two sources share in the same order and at the same pace: openings, endings, recaps.
--
-- frames     row, source_id, shot, time_s
-- matches    a, b, similarity: rows of near-duplicates
-- gives      one row per run, grown to whole shots: the columns of the table `segments`
-- $min_s     a run is at least this long, in seconds
-- $gap_s     and has no hole longer than this
WITH crossed AS (
    SELECT l.source_id, r.source_id AS other, l.time_s, r.time_s AS other_s, l.shot, similarity
    FROM (SELECT a, b, similarity FROM matches UNION ALL SELECT b, a, similarity FROM matches) AS m
    JOIN frames AS l ON l."row" = m.a
    JOIN frames AS r ON r."row" = m.b
    WHERE l.source_id <> r.source_id AND l.time_s IS NOT NULL AND r.time_s IS NOT NULL
),

-- How much later a thing is seen in the other source; shared footage keeps one distance throughout.
distances AS (
    SELECT *, other_s - time_s AS distance,
        coalesce(
            distance - lag(distance) OVER (PARTITION BY source_id, other ORDER BY distance) > 0.25, true
        ) AS begins
    FROM crossed
),

paced AS (
    SELECT *, sum(begins::INT) OVER (PARTITION BY source_id, other ORDER BY distance, time_s) AS pace
    FROM distances
),

stretches AS (
    SELECT *,
        coalesce(
            time_s - lag(time_s) OVER (PARTITION BY source_id, other, pace ORDER BY time_s) > $gap_s, true
        ) AS begins_run
    FROM paced
),

numbered AS (
    SELECT *, sum(begins_run::INT) OVER (PARTITION BY source_id, other, pace ORDER BY time_s, other_s) AS run
    FROM stretches
),

runs AS (
    SELECT source_id, other, min(shot) AS first_shot, max(shot) AS last_shot, min(other_s) AS other_start
    FROM numbered
    GROUP BY source_id, other, pace, run
    HAVING max(time_s) - min(time_s) >= $min_s AND count(DISTINCT time_s) >= 3
),

-- The same run, seen with several other sources, is one.
islands AS (
    SELECT *, coalesce(first_shot > max(last_shot) OVER (
        PARTITION BY source_id ORDER BY first_shot, last_shot ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), true) AS begins
    FROM runs
),

merged AS (
    SELECT source_id, min(first_shot) AS first_shot, max(last_shot) AS last_shot,
        min(other_start) AS other_start, list_sort(list(DISTINCT other)) AS shared_with
    FROM (
        SELECT *, sum(begins::INT) OVER (PARTITION BY source_id ORDER BY first_shot, last_shot) AS island
        FROM islands
    )
    GROUP BY source_id, island
),

lengths AS (SELECT source_id, max(time_s) AS length_s FROM frames GROUP BY source_id)

SELECT
    source_id || '-' || lpad(round(min(time_s) * 1000)::BIGINT::VARCHAR, 9, '0') AS segment_id,
    source_id,
    CASE
        WHEN max(time_s) <= any_value(length_s) / 2 AND any_value(other_start) <= any_value(length_s) / 2 THEN 'opening'
        WHEN min(time_s) >= any_value(length_s) / 2 AND any_value(other_start) >= any_value(length_s) / 2 THEN 'ending'
        ELSE 'recap'
    END AS kind,
    first_shot, last_shot,
    min(time_s) AS start_s,
    max(time_s) AS end_s,
    count(*) AS n_frames,
    any_value(shared_with) AS shared_with
FROM merged
JOIN lengths USING (source_id)
JOIN frames USING (source_id)
WHERE shot BETWEEN first_shot AND last_shot
GROUP BY source_id, first_shot, last_shot
ORDER BY segment_id
