-- The examples that people gave for each character, under the names of now. 'ood' are negatives: none of the cast.
--
-- origin  file | face | cluster | tag; faces that people named are examples too, they stand in `labels`
CREATE OR REPLACE VIEW examples AS
SELECT
    e.example_id,
    coalesce(names.final, e.character) AS character,
    e.* EXCLUDE (example_id, character)
FROM lance_examples AS e
LEFT JOIN names ON names.name = e.character;
