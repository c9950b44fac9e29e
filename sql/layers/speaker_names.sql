-- The characters that people confirmed for the speakers of subtitles (field: speaker), under their current names.
CREATE OR REPLACE VIEW speaker_names AS
SELECT label_id, act, speaker, coalesce(names.final, newest.value) AS said_by
FROM (
    SELECT label_id, act, subject AS speaker, value, op
    FROM active_labels
    WHERE field = 'speaker'
    QUALIFY row_number() OVER (PARTITION BY subject ORDER BY label_id DESC) = 1
) AS newest
LEFT JOIN names ON names.name = newest.value
WHERE newest.op = 'set';
