-- Every model that ever wrote into this database.
CREATE OR REPLACE VIEW models AS
SELECT * FROM lance_models;
