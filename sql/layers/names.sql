-- Characters that were renamed or merged: name, and what it is called now. Chains are followed to their end.
--
--     SELECT coalesce(n.final, e.character) FROM examples e LEFT JOIN names n ON n.name = e.character
CREATE OR REPLACE VIEW names AS
WITH RECURSIVE renamed AS (
    SELECT subject, value
    FROM (
        SELECT *
        FROM active_labels
        WHERE field = 'name'
        QUALIFY row_number() OVER (PARTITION BY subject ORDER BY label_id DESC) = 1
    )
    WHERE op = 'set'
),

chains AS (
    SELECT subject AS name, value AS renamed_to, value AS final, [subject, value] AS path FROM renamed
    UNION ALL
    SELECT chains.name, chains.renamed_to, renamed.value, list_append(path, renamed.value)
    FROM chains
    JOIN renamed ON renamed.subject = chains.final
    WHERE NOT list_contains(path, renamed.value)  -- two people at once can make a circle
)

SELECT name, renamed_to, max_by(final, len(path)) AS final
FROM chains
GROUP BY name, renamed_to;
