-- The tags of pictures with their names: one row per picture and tag.
--
-- pictures   name of a relation with the columns of described()
-- gives      picture, tag, category, score (0…1), counts (it reaches the tagger's own threshold), tag_number (from 1,
--            in the order of the tagger or sidecar), kind (people, hair, eyes, outfit, other)
CREATE OR REPLACE MACRO tags_of(pictures) AS TABLE
WITH numbers AS MATERIALIZED (FROM tag_rows(pictures))

SELECT picture, tag, category, score, counts, tag_number, kind
FROM numbers
JOIN tag_names('numbers', pictures) USING (tag_key);
