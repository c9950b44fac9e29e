-- name: status
-- What is in the database, source by source.
-- Sources that are still running are shown by `animeds status`, which also looks at unfinished ones.
SELECT
    s.title,
    s.kind,
    s."show",
    s.season,
    s.episode,
    s.state,
    s.n_frames AS frames,
    coalesce(f.faces, 0) AS faces,
    s.sampling,
    s.duration_s,
    s.error AS note,
    s.uri
FROM sources AS s
LEFT JOIN (SELECT source_id, count(*) AS faces FROM faces GROUP BY source_id) AS f USING (source_id)
ORDER BY s."show", s.season, s.episode, s.title;
