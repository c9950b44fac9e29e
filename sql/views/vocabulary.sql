-- All tags that the taggers know, with their numbers.
CREATE OR REPLACE VIEW vocabulary AS
SELECT * FROM lance_vocabulary;
