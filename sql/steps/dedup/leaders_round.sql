-- One round of the search for the frames to keep among near-duplicates.
--
-- edges    better, worse (ranks of two similar frames, better < worse)
-- open     rank: frames that are not decided yet
-- gives    rank, leads: frames decided in this round
--
-- A frame leads if no better open frame is similar to it. A frame that is similar to a leader does not lead. So every
-- frame that is left out is similar to a frame that is kept: a slow pan becomes several groups, each two steps wide,
-- and not one long chain.
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
