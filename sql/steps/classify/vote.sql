-- The vote of the nearest references of each face: the winning character and the second.
--
-- neighbours   face, reference, code (of the character), similarity, nearest (similarity of the nearest reference)
-- refs         reference, code, character, appearance, example_id
--
-- gives        face, character, appearance, example_id (the one that decided), similarity (0…1), share of the
--              votes (0…1), second, margin (similarity minus that of the second; similarity if there is no second)
--
-- The nearest reference has a vote of 1. The vote drops by a factor of e for each 0.05 of similarity below it, so that
-- many examples of one character do not outvote a single better example of another.
WITH votes AS (
    SELECT
        face,
        code,
        sum(exp((similarity - nearest)::DOUBLE / 0.05)) AS votes,
        max(similarity) AS similarity,
        arg_max(reference, similarity) AS reference
    FROM neighbours
    GROUP BY face, code
),

ranked AS (
    SELECT
        *,
        votes / sum(votes) OVER (PARTITION BY face) AS share,
        row_number() OVER best_first AS rank,
        lead(code) OVER best_first AS second_code,
        lead(similarity) OVER best_first AS second_similarity
    FROM votes
    WINDOW best_first AS (PARTITION BY face ORDER BY votes DESC, code)
),

characters AS (
    SELECT code, any_value(character) AS character FROM refs GROUP BY code
)

SELECT
    first.face,
    refs.character,
    refs.appearance,
    refs.example_id,
    greatest(first.similarity, 0)::FLOAT AS similarity,
    first.share::FLOAT AS share,
    characters.character AS second,
    greatest(first.similarity - coalesce(first.second_similarity, 0), 0)::FLOAT AS margin
FROM ranked AS first
JOIN refs USING (reference)
LEFT JOIN characters ON characters.code = first.second_code
WHERE first.rank = 1
