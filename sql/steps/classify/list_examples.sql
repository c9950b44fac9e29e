-- One row per character and appearance: the number of examples by origin, and the number of boxes with that name now.
WITH given AS (
    SELECT character, appearance, origin FROM examples
    UNION ALL
    SELECT coalesce(names.final, value), NULL, 'label'
    FROM box_labels
    LEFT JOIN names ON names.name = value
    WHERE field = 'character' AND detection_id IS NOT NULL AND kind = 'face' AND value <> 'unknown'
),

counted AS (
    SELECT character, count(*) AS faces FROM named GROUP BY character
)

SELECT
    given.character,
    given.appearance,
    count(*) AS examples,
    count(*) FILTER (WHERE origin = 'file') AS from_files,
    count(*) FILTER (WHERE origin = 'face') AS from_faces,
    count(*) FILTER (WHERE origin = 'cluster') AS from_clusters,
    count(*) FILTER (WHERE origin = 'tag') AS from_tags,
    count(*) FILTER (WHERE origin = 'label') AS from_labels,
    any_value(counted.faces) AS named_now
FROM given
LEFT JOIN counted USING (character)
GROUP BY given.character, given.appearance
ORDER BY given.character = 'ood', given.character, given.appearance NULLS FIRST
