-- Random numbers that are the same on every machine: computed from a text with MD5.
--
--     SELECT frame_id FROM kept ORDER BY shuffled('7/' || frame_id) LIMIT 100      -- seed 7
--     SELECT frame_id FROM kept WHERE chance('7/' || frame_id) < 0.1               -- one in ten
--
-- shuffled gives a whole number; chance gives the same as a fraction, 0…1 (never 1).
CREATE OR REPLACE MACRO shuffled(key) AS md5_number_lower(key::VARCHAR);

CREATE OR REPLACE MACRO chance(key) AS (shuffled(key) >> 11)::DOUBLE / 9007199254740992;  -- 53 bits: exact
