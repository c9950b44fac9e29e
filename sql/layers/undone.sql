-- Acts that were taken back. An undo is an act of its own and can be undone; of several undos of one act the
-- newest counts.
CREATE OR REPLACE VIEW undone AS
WITH RECURSIVE answers AS (
    SELECT value AS act, max_by(act, label_id) AS answer
    FROM lance_labels
    WHERE op = 'undo'
    GROUP BY value
),

chains AS (  -- act, the undo of it, the undo of that, …
    SELECT act, answer, 1 AS length FROM answers
    UNION ALL
    SELECT chains.act, answers.answer, length + 1
    FROM chains
    JOIN answers ON answers.act = chains.answer
)

SELECT act
FROM chains
GROUP BY act
HAVING max(length) % 2 = 1;
