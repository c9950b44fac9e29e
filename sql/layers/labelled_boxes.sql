-- The boxes whose character or appearance people labelled: one row per detection, with the labels in force.
CREATE OR REPLACE VIEW labelled_boxes AS
WITH given AS (
    SELECT
        detection_id,
        any_value(frame_id) AS frame_id,
        any_value(source_id) AS source_id,
        any_value("show") AS "show",
        any_value(season) AS season,
        any_value(episode) AS episode,
        max(coalesce(names.final, value)) FILTER (WHERE field = 'character') AS character,
        max(value) FILTER (WHERE field = 'appearance') AS appearance
    FROM box_labels
    LEFT JOIN names ON names.name = value AND field = 'character'
    WHERE detection_id IS NOT NULL AND field IN ('character', 'appearance')
    GROUP BY detection_id
)

SELECT
    w.* REPLACE (
        coalesce(w.character, i.character) AS character,
        CASE
            WHEN w.appearance IS NOT NULL THEN w.appearance
            WHEN w.character IS NULL OR w.character = i.character THEN i.appearance
        END AS appearance
    ),
    CASE WHEN w.character IS NULL THEN i.score ELSE 1 END::FLOAT AS score,
    CASE WHEN w.character IS NULL THEN i.margin ELSE 1 END::FLOAT AS margin,
    CASE WHEN w.character IS NULL THEN i.by ELSE 'label' END AS "by"
FROM given AS w
LEFT JOIN identities AS i USING (detection_id);
