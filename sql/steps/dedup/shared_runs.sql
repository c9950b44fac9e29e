-- Runs of shots that several sources share: openings, endings, recaps.
--
-- An opening is in the first half of both sources, an ending in the second half of both. A recap repeats an earlier
-- episode at another time, or is shared by only two of four or more episodes. The original scene is not a recap.
--
-- frames      row, source_id, shot, time_s, season, episode
-- stretches   the result of matching_stretches.sql
-- $min_s      minimum length of a run, in seconds
-- gives       one row per run, extended to whole shots: the columns of the table `segments`
WITH lengths AS (
    SELECT source_id, max(time_s) AS length_s, (coalesce(any_value(season), 1), any_value(episode)) AS episode_number
    FROM frames
    GROUP BY source_id
),

runs AS (
    SELECT source_id, other, min(shot) AS first_shot, max(shot) AS last_shot,
        min(time_s) AS start_s, max(time_s) AS end_s, min(other_s) AS other_start_s, max(other_s) AS other_end_s
    FROM stretches
    GROUP BY source_id, other, pace, stretch
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
        -- compared by number if both episodes have one
        coalesce(there.episode_number < here.episode_number, true)
            OR here.episode_number[2] IS NULL
            OR there.episode_number[2] IS NULL AS repeats
    FROM runs
    JOIN lengths AS here USING (source_id)
    JOIN lengths AS there ON there.source_id = runs.other
),

-- A run that is shared with several other sources is one run.
islands AS (
    SELECT *, coalesce(first_shot > max(last_shot) OVER earlier_runs, true) AS begins
    FROM placed
    WINDOW earlier_runs AS (
        PARTITION BY source_id, kind
        ORDER BY first_shot, last_shot, other
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    )
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
