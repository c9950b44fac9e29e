-- The masks of models, for each part and frame or box those of the model that was added to the database last.
-- Masks of boxes that `animeds detect` has replaced are left out. A mask of a whole source is on each of its frames.
CREATE OR REPLACE VIEW model_masks AS
SELECT
    found.mask_id, found.frame_id, found.source_id, found."show", found.season, found.episode,
    found.detection_id, d.kind, found.part, found.model,
    found."left", found.top, found."right", found.bottom, found.shape, found.coverage
FROM (
    SELECT lance_masks.*
    FROM lance_masks
    JOIN lance_models ON model_id = model
    WHERE frame_id IS NOT NULL
    QUALIFY 1 = rank() OVER (PARTITION BY frame_id, detection_id, part ORDER BY added_at DESC, model DESC)
) AS found
LEFT JOIN newest_detections AS d USING (detection_id)
WHERE found.detection_id IS NULL OR d.detection_id IS NOT NULL
UNION ALL
SELECT
    f.frame_id || '/' || split_part(m.mask_id, '/', 2), f.frame_id, f.source_id, f."show", f.season, f.episode,
    NULL, NULL, m.part, m.model,
    m."left", m.top, m."right", m.bottom, m.shape, m.coverage
FROM lance_masks AS m
JOIN lance_frames AS f USING (source_id)
WHERE m.frame_id IS NULL;
