-- A relation without rows that DuckDB takes for a large one: tag_id.
--
-- DuckDB does not know how many rows a Lance table has, and assumes one. Joined with `vocabulary`, a view of tags would
-- then be put into the hash table, although it has thousands of times as many rows. With this relation beside it, the
-- vocabulary is.
CREATE OR REPLACE VIEW no_tags AS
SELECT range::INTEGER AS tag_id
FROM range(1000)
WHERE range < 0;
