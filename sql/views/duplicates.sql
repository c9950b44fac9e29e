-- Groups of near-duplicates, as the last `animeds dedup` found them. group_id is the frame that stays.
CREATE OR REPLACE VIEW duplicates AS
SELECT * FROM lance_duplicates;
