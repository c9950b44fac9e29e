-- The frames that a query gives, each once, with its place there.
--
-- {start}   a SELECT with the column frame_id
SELECT frame_id, min(place) AS place
FROM (
    SELECT frame_id, row_number() OVER () AS place
    FROM (
{start}
    )
)
GROUP BY frame_id
