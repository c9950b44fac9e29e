-- One round of grouping near-duplicates around the frames that stay.
--
-- edges    better, worse (ranks of two similar frames, better < worse)
-- open     rank: frames not decided yet
-- gives    rank, leader: frames decided in this round (a leader leads itself)
--
-- A frame leads if no better frame that is still open is similar to it. What is similar to a leader joins
-- the best of them. So every member is similar to its keeper itself: a slow pan is cut into groups that are
-- two steps wide, and never chains into one.
WITH leaders AS (
    SELECT rank FROM open
    ANTI JOIN (
        SELECT worse AS rank FROM edges
        SEMI JOIN open ON open.rank = edges.better
    ) AS led USING (rank)
)

SELECT rank, rank AS leader FROM leaders

UNION ALL

SELECT edges.worse AS rank, min(edges.better) AS leader
FROM edges
SEMI JOIN leaders ON leaders.rank = edges.better
SEMI JOIN open ON open.rank = edges.worse
ANTI JOIN leaders AS itself ON itself.rank = edges.worse
GROUP BY edges.worse
