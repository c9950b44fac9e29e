-- The tags that a style allows in captions: one row per tag.
--
-- tag_list, style  names of relations: tag_names(), and one row like default_style
-- gives            place (from 1, in the alphabet), tag, words (the tag as it is written), kind, tag_group (see
--                  tag_group()), dropped_with (the groups with which it is left out)
CREATE OR REPLACE MACRO allowed_tags(tag_list, style) AS TABLE
WITH style AS (
    SELECT
        *, list_transform(split_names(activation_tag), lambda name: replace(name, ' ', '_')) AS activation_tags
    FROM query_table(style)
)

SELECT
    row_number() OVER (ORDER BY tag) AS place,
    tag,
    kind,
    in_words([tag], underscores, escape_brackets)[1] AS words,
    tag_group(tag) AS tag_group,
    groups_of(tag, category, style.groups, map_keys(style.group_dropout)) AS dropped_with
FROM (SELECT tag, kind, min(category) AS category FROM query_table(tag_list) GROUP BY tag, kind) AS every_tag, style
WHERE NOT list_contains(style.leave_out, kind)
    AND NOT is_listed(tag, style.blacklist)
    AND NOT (list_contains(style.parts, 'quality') AND is_quality_tag(tag))
    -- a tag that is also an activation tag is not repeated
    AND NOT list_contains(style.activation_tags, tag);
