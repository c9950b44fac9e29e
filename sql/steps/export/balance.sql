-- How often a trainer sees the pictures of each folder, so that a concept counts by its weight and not by its number of
-- pictures. The algorithm is that of generate_multiply.py in the anime screenshot pipeline.
--
-- folders     folder (relative, levels separated by /; '' is the top), pictures (the number directly in it)
-- weights     line, name, pattern, weight: the lines of a weights file; pattern is a regular expression
-- $least      minimum number of repeats, 1…
-- $most       maximum number of repeats
-- $tolerance  share of an epoch that whole-number repeats may move between folders, compared with the weights, 0…1
-- gives       folder, pictures, weight, probability, exact (the folder that is drawn least: 1),
--             multiply (two decimals), repeats (whole)
--
-- At each node of the tree, one child is drawn by weight. A node that contains pictures counts as one more child, with
-- its own weight. The weight comes from the line with exactly the folder's name, or else from the first line whose
-- pattern matches the path, or else it is 1. Within a folder, all pictures are equally likely.
--
-- With fractions, the pictures of the least likely folder are shown $least times. With whole-number repeats, they are
-- shown once, twice, three times … until the shares of the folders are within $tolerance. If that takes more than $most
-- repeats of another folder, the closest shares win. If even showing them once takes more than $most repeats of another
-- folder, all repeats are reduced in proportion, but not below $least.
WITH nodes AS (
    SELECT DISTINCT levels[:depth] AS levels, array_to_string(levels[:depth], '/') AS path
    FROM (
        SELECT CASE WHEN folder = '' THEN [] ELSE string_split(folder, '/') END AS levels FROM folders
    ), unnest(range(0, len(levels) + 1)) AS depths (depth)
),

weighted AS (
    SELECT
        nodes.path,
        levels,
        CASE WHEN len(levels) > 0 THEN array_to_string(levels[1:len(levels) - 1], '/') END AS parent,
        coalesce(folders.pictures, 0) AS pictures,
        coalesce(
            (SELECT arg_min(weight, line) FROM weights WHERE name = levels[len(levels)]),
            (
                SELECT arg_min(weight, line)
                FROM weights
                WHERE regexp_full_match(path, pattern, 's') OR regexp_full_match('./' || path, pattern, 's')
            ),
            1
        )::DOUBLE AS weight
    FROM nodes
    LEFT JOIN folders ON folders.folder = nodes.path
),

-- The children of each node. Lists are summed in a fixed order, so that the same tree gives the same bits.
drawn AS (
    SELECT node, list_sum(list(weight ORDER BY child)) AS total
    FROM (
        SELECT parent AS node, path AS child, weight FROM weighted WHERE parent IS NOT NULL
        UNION ALL
        SELECT path, NULL, weight FROM weighted WHERE pictures > 0
    )
    GROUP BY node
),

steps AS (
    SELECT path, weight / total AS share FROM weighted JOIN drawn ON drawn.node = weighted.parent
),

ways AS (
    SELECT folder, list_product(list(share ORDER BY depth)) AS probability
    FROM (
        SELECT path AS folder, depth, array_to_string(levels[:depth], '/') AS path
        FROM weighted, unnest(range(1, len(levels) + 1)) AS depths (depth)
        WHERE pictures > 0
    )
    JOIN steps USING (path)
    GROUP BY folder
),

drawn_folders AS (
    SELECT
        path AS folder,
        pictures,
        weight,
        coalesce(ways.probability, 1) * weight / total AS probability
    FROM weighted
    JOIN drawn ON drawn.node = weighted.path
    LEFT JOIN ways ON ways.folder = weighted.path
    WHERE pictures > 0
),

scaled AS (
    SELECT
        *,
        exact * least($least, $most / max(exact) OVER ()) AS fitted,
        -- beyond 1,000 tries, finer steps change nothing
        greatest(1, least(floor($most / $least / max(exact) OVER ()), 1000))::BIGINT AS tries
    FROM (
        SELECT *, probability / pictures / min(probability / pictures) OVER () AS exact FROM drawn_folders
    )
),

tried AS (
    SELECT
        folder, pictures, probability, try,
        least(greatest(round_even(try * fitted, 0), $least), $most)::BIGINT AS repeats
    FROM scaled, unnest(range(1, tries + 1)) AS each_try (try)
),

-- Half the sum of the differences, because what one folder has too much, another has too little.
judged AS (
    SELECT try, round(list_sum(list(abs(share - probability) ORDER BY folder)) / 2, 9) AS is_off
    FROM (
        SELECT *, pictures * repeats / sum(pictures * repeats) OVER (PARTITION BY try) AS share FROM tried
    )
    GROUP BY try
),

best AS (
    SELECT try FROM judged ORDER BY is_off > $tolerance, CASE WHEN is_off > $tolerance THEN is_off END, try LIMIT 1
)

SELECT
    folder,
    scaled.pictures,
    weight,
    scaled.probability,
    exact,
    greatest(round_even(fitted, 2), $least)::DOUBLE AS multiply,
    tried.repeats
FROM scaled
JOIN tried USING (folder)
SEMI JOIN best USING (try)
ORDER BY folder
