-- The frames with the tags that count; added_tags are those that people added. Where people have corrected
-- tags, sql/layers/chosen/tagged_frames.sql stands in for this.
CREATE OR REPLACE VIEW tagged_frames AS
SELECT *, NULL::SMALLINT[] AS added_tags FROM model_frames;
