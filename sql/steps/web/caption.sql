-- The caption of one frame, in the default style of `animeds export`.
--
-- {id}   the frame, as a literal
WITH one AS (SELECT frame_id AS picture, frame_id FROM frames WHERE frame_id = {id})

SELECT caption FROM captions_of('one')
