-- The examples that people gave for each character, under its current name. 'ood' marks negatives: faces of nobody
-- in the cast.
--
-- origin  file | face | cluster | tag. Faces that people named are examples too; the view `labels` has them.
CREATE OR REPLACE VIEW examples AS
SELECT
    e.example_id,
    coalesce(names.final, e.character) AS character,
    e.* EXCLUDE (example_id, character)
FROM lance_examples AS e
LEFT JOIN names ON names.name = e.character;
