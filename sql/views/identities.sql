-- Who `animeds characters classify` takes each face for, or each person seen from behind, before people correct
-- it: `faces` and `characters` say what counts.
--
-- character   a name; 'unknown': like none of the examples; 'ood': like one of the negatives
-- score       how likely that is right, 0…1; margin: by how much it is more alike than the next character, 0…1
-- second      the next character; of an unknown face the one it came closest to
-- by          examples | shot (named before and after in that shot) | tag | body (seen from behind)
-- example_id  what decided it
CREATE OR REPLACE VIEW identities AS
WITH answers AS (  -- a union and not a join, so that a condition on `character` reaches the table
    SELECT i.detection_id, i.character, i.* EXCLUDE (detection_id, character)
    FROM lance_identities AS i
    ANTI JOIN names ON names.name = i.character
    UNION ALL
    SELECT i.detection_id, names.final, i.* EXCLUDE (detection_id, character)
    FROM lance_identities AS i
    JOIN names ON names.name = i.character
)

SELECT answers.* REPLACE (coalesce(renamed.final, answers.second) AS second)
FROM answers
LEFT JOIN names AS renamed ON renamed.name = answers.second;
