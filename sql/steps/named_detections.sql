-- The newest detections, with the character of each: what people said, else what `animeds characters classify`
-- found. Renamed characters have their new name. Stands in for sql/views/named_detections.sql.
CREATE OR REPLACE VIEW named_detections AS
WITH identities AS (
    SELECT
        i.detection_id,
        coalesce(names.final, i.character) AS character,
        i.appearance,
        i.score,
        i.margin,
        i.by
    FROM lance_identities AS i
    LEFT JOIN names ON names.name = i.character
),

told AS (
    SELECT
        detection_id,
        max(coalesce(names.final, value)) FILTER (WHERE field = 'character') AS character,
        max(value) FILTER (WHERE field = 'appearance') AS appearance
    FROM box_labels
    LEFT JOIN names ON names.name = value AND field = 'character'
    WHERE detection_id IS NOT NULL
    GROUP BY detection_id
)

SELECT
    d.*,
    coalesce(told.character, identities.character) AS character,
    CASE
        WHEN told.appearance IS NOT NULL THEN told.appearance
        WHEN told.character IS NULL OR told.character = identities.character THEN identities.appearance
    END AS appearance,
    CASE WHEN told.character IS NULL THEN identities.score ELSE 1 END::FLOAT AS character_score,
    CASE WHEN told.character IS NULL THEN identities.margin ELSE 1 END::FLOAT AS margin,
    CASE WHEN told.character IS NULL THEN identities.by ELSE 'label' END AS named_by
FROM newest_detections AS d
LEFT JOIN identities USING (detection_id)
LEFT JOIN told USING (detection_id);
