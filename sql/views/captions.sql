-- One caption per frame, in the style of default_style. For other styles and for crops, use caption(…).
CREATE OR REPLACE VIEW captions AS
WITH whole_frames AS (SELECT frame_id AS picture, frame_id FROM tagged_frames)

SELECT picture AS frame_id, caption FROM captions_of('whole_frames', 'default_style');
