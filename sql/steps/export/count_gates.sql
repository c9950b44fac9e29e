-- The number of kept frames by the first quality gate that they fail, most frequent first.
--
-- gives  gate (passed, or the gate that failed), n
SELECT gate, count(*) AS n
FROM gates()
SEMI JOIN kept USING (frame_id)
GROUP BY gate
ORDER BY n DESC, gate
