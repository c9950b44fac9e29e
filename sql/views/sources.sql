-- The files and folders that were ingested, one row each. `show` is a word of SQL: write sources.show or "show".
CREATE OR REPLACE VIEW sources AS
SELECT * FROM lance_sources;
