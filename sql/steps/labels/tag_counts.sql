-- The tags of some frames, with the number of these frames that have each, most frequent first.
--
-- chosen   frame_id
-- gives    tag, category, n_frames
SELECT tag, any_value(category) AS category, count(DISTINCT frame_id) AS n_frames
FROM tags
SEMI JOIN chosen USING (frame_id)
GROUP BY tag
ORDER BY n_frames DESC, tag
