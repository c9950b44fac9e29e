-- The frames that the rows of a selection of clips mean.
--
-- selection  clip_id, shot_id (one of them is NULL), selection_row
-- gives      one row per row of the selection: selection_row, clip_id, source_id, first_pts, last_pts, stream (NULL: no
--            frame of the source was ingested), uri, other_uris, kind, title. source_id is NULL if the database has no
--            such source, shot or clip.
WITH named AS (
    SELECT
        s.selection_row,
        coalesce(s.clip_id, m.source_id || '-c' || m.first_pts || '_' || m.last_pts) AS clip_id
    FROM selection AS s
    LEFT JOIN lance_shots AS m ON m.shot_id = s.shot_id
),

parsed AS (
    SELECT
        *,
        regexp_extract(clip_id, '^(.+)-c(-?\d+)_(-?\d+)$', 1) AS source,
        try_cast(regexp_extract(clip_id, '^(.+)-c(-?\d+)_(-?\d+)$', 2) AS BIGINT) AS first_pts,
        try_cast(regexp_extract(clip_id, '^(.+)-c(-?\d+)_(-?\d+)$', 3) AS BIGINT) AS last_pts
    FROM named
),

streams AS (
    SELECT source_id, min(stream) AS stream
    FROM lance_frames
    WHERE source_id IN (SELECT source FROM parsed)
    GROUP BY source_id
)

SELECT
    p.selection_row, p.clip_id, o.source_id, p.first_pts, p.last_pts, s.stream, o.uri, o.other_uris, o.kind, o.title
FROM parsed AS p
LEFT JOIN sources AS o ON o.source_id = p.source AND p.first_pts <= p.last_pts
LEFT JOIN streams AS s ON s.source_id = o.source_id
ORDER BY p.selection_row
