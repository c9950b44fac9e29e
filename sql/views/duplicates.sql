-- Groups of near-duplicates from the last `animeds dedup`. group_id is the frame that is kept.
CREATE OR REPLACE VIEW duplicates AS
SELECT * FROM lance_duplicates;
