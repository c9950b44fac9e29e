-- Characters that were renamed or merged: the old name and the final one. Chains are followed to their end.
-- Renaming applies to both forms of a name, with spaces and with underscores. A label about a form itself comes first.
--
--     SELECT coalesce(n.final, e.character) FROM examples e LEFT JOIN names n ON n.name = e.character
CREATE OR REPLACE VIEW names AS
WITH RECURSIVE newest AS (
    SELECT *
    FROM active_labels
    WHERE field = 'name'
    QUALIFY row_number() OVER (PARTITION BY subject ORDER BY label_id DESC) = 1
),

forms AS (
    SELECT *, unnest(list_distinct([subject, replace(subject, '_', ' '), replace(subject, ' ', '_')])) AS form
    FROM newest
),

renamed AS (
    SELECT form AS subject, value
    FROM (
        SELECT *
        FROM forms
        QUALIFY row_number() OVER (PARTITION BY form ORDER BY form <> subject, label_id DESC) = 1
    )
    WHERE op = 'set' AND (form = subject OR form <> value)
),

chains AS (
    SELECT subject AS name, value AS renamed_to, value AS final, [subject, value] AS path FROM renamed
    UNION ALL
    SELECT chains.name, chains.renamed_to, renamed.value, list_append(path, renamed.value)
    FROM chains
    JOIN renamed ON renamed.subject = chains.final
    WHERE NOT list_contains(path, renamed.value)  -- two people at the same time can create a cycle
)

SELECT name, renamed_to, max_by(final, len(path)) AS final
FROM chains
GROUP BY name, renamed_to;
