-- Every model that has written to this database.
CREATE OR REPLACE VIEW models AS
SELECT * FROM lance_models;
