-- What a grid of frames shows. The caller reads only the rows of those frames.
SELECT
    f.frame_id, f.show, f.season, f.episode, f.time_s, f.width, f.height, f.shot, f.source_id,
    f.frame_id IN (SELECT frame_id FROM frame_labels WHERE value = 'drop') AS dropped,
    coalesce(c.characters, []) AS characters
FROM lance_frames AS f
LEFT JOIN (
    SELECT frame_id, list(DISTINCT character ORDER BY character) AS characters
    FROM characters
    GROUP BY frame_id
) AS c USING (frame_id)
