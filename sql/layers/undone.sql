-- Change sets that were undone. An undo is a change set too and can be undone. Of several undos of one change set, the
-- newest is in force.
CREATE OR REPLACE VIEW undone AS
WITH RECURSIVE answers AS (
    SELECT value AS act, max_by(act, label_id) AS answer
    FROM lance_labels
    WHERE op = 'undo'
    GROUP BY value
),

chains AS (  -- a change set, its undo, the undo of that undo, …
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
