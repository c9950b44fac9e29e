-- The times during which somebody speaks: lines of dialogue, joined where they overlap or are at most 0.3 s apart.
CREATE OR REPLACE VIEW spoken_stretches AS
WITH started AS (
    SELECT
        *,
        start_s > coalesce(
            max(end_s) OVER (
                PARTITION BY source_id ORDER BY start_s, line_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
            ) + 0.3,
            '-infinity'::DOUBLE
        ) AS is_first
    FROM said_lines
),

numbered AS (
    SELECT *, count(*) FILTER (WHERE is_first) OVER (PARTITION BY source_id ORDER BY start_s, line_id) AS "number"
    FROM started
)

SELECT source_id, min(start_s) AS start_s, max(end_s) AS end_s
FROM numbered
GROUP BY source_id, "number";
