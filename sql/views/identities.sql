-- The names from `animeds characters classify`, one row per face or person seen from behind, without people's
-- corrections. `faces` and `characters` have the corrected names.
--
-- character   a name; 'unknown': similar to none of the examples; 'ood': similar to a negative
-- score       probability that the name is right, 0…1
-- margin      similarity minus the similarity of the next character, 0…1
-- second      the next character; for an unknown face, the most similar character
-- by          examples | shot (named before and after in that shot) | tag | body (seen from behind)
-- example_id  the example that decided
CREATE OR REPLACE VIEW identities AS
WITH answers AS (  -- a union and not a join, so that a condition on `character` reaches the table
    SELECT i.detection_id, i.character, i.* EXCLUDE (detection_id, character)
    FROM lance_identities AS i
    ANTI JOIN (SELECT name FROM names WHERE getvariable('renamed')) AS old ON old.name = i.character
    UNION ALL
    SELECT i.detection_id, names.final, i.* EXCLUDE (detection_id, character)
    FROM lance_identities AS i
    JOIN names ON names.name = i.character
    WHERE getvariable('renamed')  -- here and below, DuckDB plans no join while it is false
)

SELECT answers.* REPLACE (coalesce(renamed.final, answers.second) AS second)
FROM answers
LEFT JOIN (SELECT name, final FROM names WHERE getvariable('renamed')) AS renamed ON renamed.name = answers.second;
