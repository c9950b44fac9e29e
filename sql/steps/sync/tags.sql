-- The current tags of some frames.
--
-- pictures  frame_id
-- gives     frame_id, tag, by_people (true if a person added it)
SELECT frame_id, tag, model = 'label' AS by_people
FROM scored_tags
SEMI JOIN pictures USING (frame_id)
ORDER BY frame_id, score DESC, tag;
