-- One round of finding the frames that stay, among near-duplicates.
--
-- edges    better, worse (ranks of two similar frames, better < worse)
-- open     rank: frames not decided yet
-- gives    rank, leads: frames decided in this round
--
-- A frame leads if no better frame that is still open is similar to it; what is similar to a leader does not.
-- So every frame that goes is similar to one that stays itself: a slow pan is cut into groups that are two
-- steps wide, and never chains into one.
WITH leaders AS (
    SELECT rank FROM open
    ANTI JOIN (
        SELECT worse AS rank FROM edges
        SEMI JOIN open ON open.rank = edges.better
    ) AS led USING (rank)
)

SELECT rank, true AS leads FROM leaders

UNION ALL

SELECT DISTINCT edges.worse AS rank, false AS leads
FROM edges
SEMI JOIN leaders ON leaders.rank = edges.better
SEMI JOIN open ON open.rank = edges.worse
