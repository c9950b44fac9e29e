-- All tags that the taggers know, with their numbers (of the same type as frames.tag_ids).
CREATE OR REPLACE VIEW vocabulary AS
SELECT tag_id::INTEGER AS tag_id, tag, category FROM lance_vocabulary;
