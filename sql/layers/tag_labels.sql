-- Tags that people added to frames or removed from them (op), the newest word per frame and tag.
CREATE OR REPLACE VIEW tag_labels AS
SELECT said.label_id, said.act, said.frame_id, said.source_id, said.op, vocabulary.tag, vocabulary.tag_id
FROM said
JOIN (SELECT tag, min(tag_id) AS tag_id FROM vocabulary GROUP BY tag) AS vocabulary ON vocabulary.tag = said.value
WHERE said.field = 'tag'
QUALIFY row_number() OVER (PARTITION BY said.frame_id, said.value ORDER BY said.label_id DESC) = 1;
