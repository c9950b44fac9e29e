-- The frames with their tags in use; added_tags are those that people added. If people have corrected tags,
-- sql/layers/chosen/tagged_frames.sql replaces this view.
CREATE OR REPLACE VIEW tagged_frames AS
SELECT *, NULL::INTEGER[] AS added_tags FROM model_frames;
