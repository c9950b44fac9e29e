-- The masks of one frame, with the size of the frame. A frame without masks gives one row whose part is NULL.
--
-- {id}   the frame, as a literal
-- gives  width, height, part, detection_id (the box that is masked; NULL: the whole frame), kind and character (of the
--        box), by (model or person), coverage, left, top, right, bottom, shape (as in the view masks)
SELECT
    f.width, f.height, m.part, m.detection_id, m.kind, d.character, m."by", m.coverage,
    m."left", m.top, m."right", m.bottom, m.shape
FROM (SELECT frame_id, width, height FROM lance_frames WHERE frame_id = {id}) AS f
LEFT JOIN (FROM masks WHERE frame_id = {id}) AS m ON m.frame_id = f.frame_id
LEFT JOIN (FROM identified_detections WHERE frame_id = {id}) AS d ON d.detection_id = m.detection_id
ORDER BY m.part, m.detection_id NULLS FIRST, m.mask_id
