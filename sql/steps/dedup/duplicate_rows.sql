-- The rows of the table `duplicates`: groups of two or more, the keeper first.
--
-- decided_frames   rank, leader
-- names            rank, frame_id, source_id
-- similar_frames   better, worse, cosine, by_phash
SELECT
    member.frame_id,
    member.source_id,
    keeper.frame_id AS group_id,
    decided.rank = decided.leader AS keeper,
    CASE
        WHEN decided.rank = decided.leader THEN 1
        WHEN isnan(edges.cosine) THEN NULL
        ELSE edges.cosine
    END::FLOAT AS similarity,
    CASE
        WHEN decided.rank = decided.leader THEN 'keeper'
        WHEN edges.by_phash THEN 'phash'
        ELSE 'embedding'
    END AS reason,
    $parameters AS parameters
FROM decided_frames AS decided
JOIN names AS member ON member.rank = decided.rank
JOIN names AS keeper ON keeper.rank = decided.leader
LEFT JOIN similar_frames AS edges ON edges.better = decided.leader AND edges.worse = decided.rank
WHERE decided.leader IN (SELECT leader FROM decided_frames GROUP BY leader HAVING count(*) > 1)
ORDER BY keeper.frame_id, decided.rank
