-- How many of the kept frames fail each quality gate first, the most frequent first.
--
-- gives  gate (passed, or what failed), n
SELECT gate, count(*) AS n
FROM gates()
SEMI JOIN kept USING (frame_id)
GROUP BY gate
ORDER BY n DESC, gate
