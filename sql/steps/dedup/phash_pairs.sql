-- Pairs of frames whose perceptual hashes differ in at most $distance bits.
--
-- hashed   row, phash: the frames to compare, numbered
-- gives    a, b (rows, a < b)
--
-- If two hashes differ in at most n bits, at least one of n + 1 bands of their bits is equal. So only rows that share a
-- band are compared. Frames with the same hash are linked only to the first of them, so that a still of a thousand
-- frames gives a thousand pairs and not half a million.
WITH firsts AS (
    SELECT phash, min("row") AS "row" FROM hashed GROUP BY phash
),

bands AS (
    SELECT
        "row", phash, band,
        (phash >> (band * (64 // ($distance + 1)))) & ((1::BIGINT << (64 // ($distance + 1))) - 1) AS bits
    FROM firsts, range($distance + 1) AS bands (band)
)

SELECT DISTINCT least(l."row", r."row") AS a, greatest(l."row", r."row") AS b
FROM bands AS l
JOIN bands AS r ON l.band = r.band AND l.bits = r.bits AND l.phash < r.phash
WHERE bit_count(xor(l.phash, r.phash)) <= $distance

UNION ALL

SELECT firsts."row" AS a, hashed."row" AS b
FROM hashed JOIN firsts USING (phash)
WHERE hashed."row" > firsts."row"
ORDER BY a, b
