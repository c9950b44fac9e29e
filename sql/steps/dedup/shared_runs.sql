-- Runs of shots that two sources share in the same order and at the same pace: openings, endings, recaps.
--
-- An opening is in the first half of both, an ending in the second half of both. A recap is what an earlier
-- episode showed elsewhere, or what only two of four or more episodes share; the scene that it repeats is none.
--
-- frames     row, source_id, shot, time_s, season, episode
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
            distance - lag(distance) OVER (PARTITION BY source_id, other ORDER BY distance, time_s) > 0.25, true
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
            time_s - lag(time_s) OVER (PARTITION BY source_id, other, pace ORDER BY time_s, other_s) > $gap_s, true
        ) AS begins_run
    FROM paced
),

numbered AS (
    SELECT *, sum(begins_run::INT) OVER (PARTITION BY source_id, other, pace ORDER BY time_s, other_s) AS run
    FROM stretches
),

-- A single frame that happens to be alike does not make its shot part of the run: half of the shot must be.
covered AS (
    SELECT numbered.*
    FROM numbered
    JOIN (
        SELECT source_id, shot, count(DISTINCT time_s) AS n_frames FROM frames GROUP BY source_id, shot
    ) AS shots USING (source_id, shot)
    QUALIFY 2 * count(DISTINCT time_s) OVER (PARTITION BY source_id, other, pace, run, shot) >= n_frames
),

lengths AS (
    SELECT source_id, max(time_s) AS length_s, (coalesce(any_value(season), 1), any_value(episode)) AS place
    FROM frames
    GROUP BY source_id
),

runs AS (
    SELECT source_id, other, min(shot) AS first_shot, max(shot) AS last_shot,
        min(time_s) AS start_s, max(time_s) AS end_s, min(other_s) AS other_start_s, max(other_s) AS other_end_s
    FROM covered
    GROUP BY source_id, other, pace, run
    HAVING max(time_s) - min(time_s) >= $min_s AND count(DISTINCT time_s) >= 3
),

placed AS (
    SELECT
        runs.*,
        CASE
            WHEN end_s <= here.length_s / 2 AND other_end_s <= there.length_s / 2 THEN 'opening'
            WHEN start_s >= here.length_s / 2 AND other_start_s >= there.length_s / 2 THEN 'ending'
            ELSE 'recap'
        END AS kind,
        -- by number where both episodes have one
        coalesce(there.place < here.place, true) OR here.place[2] IS NULL OR there.place[2] IS NULL AS repeats
    FROM runs
    JOIN lengths AS here USING (source_id)
    JOIN lengths AS there ON there.source_id = runs.other
),

-- The same run, seen with several other sources, is one.
islands AS (
    SELECT *, coalesce(first_shot > max(last_shot) OVER (
        PARTITION BY source_id, kind ORDER BY first_shot, last_shot, other ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ), true) AS begins
    FROM placed
),

merged AS (
    SELECT source_id, kind, min(first_shot) AS first_shot, max(last_shot) AS last_shot,
        bool_or(repeats) AS repeats, list_sort(list(DISTINCT other)) AS shared_with
    FROM (
        SELECT *, sum(begins::INT) OVER (PARTITION BY source_id, kind ORDER BY first_shot, last_shot, other) AS island
        FROM islands
    )
    GROUP BY source_id, kind, island
),

named AS (
    SELECT * REPLACE (
        CASE WHEN len(shared_with) = 1 AND (SELECT count(*) FROM lengths) >= 4 THEN 'recap' ELSE kind END AS kind
    )
    FROM merged
)

SELECT
    source_id || '-' || lpad(round(min(time_s) * 1000)::BIGINT::VARCHAR, 9, '0') AS segment_id,
    source_id,
    arg_min(kind, kind) AS kind,
    first_shot, last_shot,
    min(time_s) AS start_s,
    max(time_s) AS end_s,
    count(DISTINCT time_s) AS n_frames,
    arg_min(shared_with, kind) AS shared_with
FROM named
JOIN frames USING (source_id)
WHERE shot BETWEEN first_shot AND last_shot AND (kind <> 'recap' OR repeats)
GROUP BY source_id, first_shot, last_shot
QUALIFY row_number() OVER (PARTITION BY source_id, min(time_s) ORDER BY last_shot DESC) = 1
ORDER BY segment_id
