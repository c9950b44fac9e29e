-- The frames of a query, each once, with the position of its first row.
--
-- {start}   a SELECT with the column frame_id
SELECT frame_id, min(row_number) AS row_number
FROM (
    SELECT frame_id, row_number() OVER () AS row_number
    FROM (
{start}
    )
)
GROUP BY frame_id
