-- How often the pictures of each folder are shown to a trainer, so that concepts are seen by their weight and not by
-- their number of pictures: the algorithm of the anime screenshot pipeline's generate_multiply.py.
--
-- folders     folder (relative, levels parted by /; '' is the top), pictures (how many it holds itself)
-- weights     place, name, pattern, weight: the lines of a weights file; pattern is a regular expression
-- $most       maximum number of repeats
-- $tolerance  share of an epoch that whole repeats may give to other folders than the weights ask for, 0…1
-- gives       folder, pictures, weight, probability, exact (the folder that is drawn least: 1),
--             multiply (two decimals), repeats (whole)
--
-- At each node of the tree one child is drawn, by weight; a node that holds pictures itself counts as one child more,
-- with its own weight. The weight is that of the line with exactly the folder's name, else that of the first line
-- whose pattern fits the path, else 1. Within a folder every picture is as likely as another.
--
-- With fractions, the pictures of the folder that is drawn least are shown once. With whole repeats they are shown
-- once, twice, three times … until the shares of the folders are within $tolerance; if that takes more than $most
-- repeats of another folder, the closest shares win. Where showing them once takes more than $most repeats of another
-- folder, all repeats are reduced in proportion, but not below 1.
WITH nodes AS (
    SELECT DISTINCT levels[:depth] AS levels, array_to_string(levels[:depth], '/') AS path
    FROM (
        SELECT CASE WHEN folder = '' THEN [] ELSE string_split(folder, '/') END AS levels FROM folders
    ), unnest(range(0, len(levels) + 1)) AS depths (depth)
),

weighted AS (
    SELECT
        nodes.path,
        CASE WHEN len(levels) > 0 THEN array_to_string(levels[1:len(levels) - 1], '/') END AS parent,
        coalesce(folders.pictures, 0) AS pictures,
        coalesce(
            (SELECT arg_min(weight, place) FROM weights WHERE name = levels[len(levels)]),
            (
                SELECT arg_min(weight, place)
                FROM weights
                WHERE regexp_full_match(path, pattern, 's') OR regexp_full_match('./' || path, pattern, 's')
            ),
            1
        )::DOUBLE AS weight
    FROM nodes
    LEFT JOIN folders ON folders.folder = nodes.path
),

-- What is drawn at each node. Lists are summed in a fixed order: the same tree gives the same bits.
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
    SELECT folder, list_product(list(share ORDER BY length(path))) AS probability
    FROM (SELECT path AS folder FROM weighted WHERE pictures > 0) AS own
    JOIN steps ON own.folder = steps.path OR starts_with(own.folder, steps.path || '/')
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
        exact * least(1, $most / max(exact) OVER ()) AS fitted,
        greatest(1, least(floor($most / max(exact) OVER ()), 1000))::BIGINT AS tries  -- finer steps change nothing
    FROM (
        SELECT *, probability / pictures / min(probability / pictures) OVER () AS exact FROM drawn_folders
    )
),

tried AS (
    SELECT
        folder, pictures, probability, try,
        least(greatest(round_even(try * fitted, 0), 1), $most)::BIGINT AS repeats
    FROM scaled, unnest(range(1, tries + 1)) AS each_try (try)
),

-- Half the sum of the differences: what some folders have too much, others have too little.
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
    greatest(round_even(fitted, 2), 1)::DOUBLE AS multiply,
    tried.repeats
FROM scaled
JOIN tried USING (folder)
SEMI JOIN best USING (try)
ORDER BY folder
