-- The newest detections, with the character of each. Every character is null while no box has a name. Afterwards
-- sql/layers/chosen/identified_detections.sql replaces this view.
CREATE OR REPLACE VIEW identified_detections AS
SELECT
    *,
    NULL::VARCHAR AS character,
    NULL::VARCHAR AS appearance,
    NULL::FLOAT AS character_score,
    NULL::FLOAT AS margin,
    NULL::VARCHAR AS named_by
FROM newest_detections;
