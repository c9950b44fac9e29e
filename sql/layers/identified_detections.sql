-- The newest detections, with the character of each. While nobody has been named, all of those are null; else
-- sql/layers/chosen/identified_detections.sql stands in for this.
CREATE OR REPLACE VIEW identified_detections AS
SELECT
    *,
    NULL::VARCHAR AS character,
    NULL::VARCHAR AS appearance,
    NULL::FLOAT AS character_score,
    NULL::FLOAT AS margin,
    NULL::VARCHAR AS named_by
FROM newest_detections;
