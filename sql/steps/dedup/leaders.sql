-- Each frame with its leader: the best similar frame that leads a group, or the frame itself if it leads one.
--
-- decided   rank, leads
-- edges     better, worse
SELECT rank, rank AS leader FROM decided WHERE leads

UNION ALL

SELECT edges.worse AS rank, min(edges.better) AS leader
FROM edges
JOIN decided AS keeper ON keeper.rank = edges.better AND keeper.leads
JOIN decided AS member ON member.rank = edges.worse AND NOT member.leads
GROUP BY edges.worse
ORDER BY rank
