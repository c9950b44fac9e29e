-- The files and folders that were ingested, one row each. `show` is a keyword of SQL: write show_name or "show".
CREATE OR REPLACE VIEW sources AS
SELECT *, "show" AS show_name FROM lance_sources;
