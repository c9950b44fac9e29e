-- Randomness that is the same on every machine: two numbers out of a text, by MD5.
--
--     SELECT frame_id FROM kept ORDER BY shuffled('7/' || frame_id) LIMIT 100      -- seed 7
--     SELECT frame_id FROM kept WHERE chance('7/' || frame_id) < 0.1               -- one in ten
--
-- shuffled is a whole number, chance the same as a share, 0…1 (never 1).
CREATE OR REPLACE MACRO shuffled(key) AS md5_number_lower(key::VARCHAR);

CREATE OR REPLACE MACRO chance(key) AS (shuffled(key) >> 11)::DOUBLE / 9007199254740992;  -- 53 bits: exact
