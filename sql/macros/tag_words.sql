-- How a tag is written in a caption.
--
--     SELECT spoken_tag('red_hair'), escaped('saber_(fate)'), unescaped('saber_\(fate\)')
--
-- spoken_tag replaces underscores with spaces, except in tags of at most three characters (as kohya's tagger does) and
-- in emoticons, where the underscore is a mouth (the list is from SmilingWolf's taggers).
-- escaped puts a backslash before backslashes and before brackets, because brackets mean emphasis in a prompt.
CREATE OR REPLACE MACRO spoken_tag(tag) AS
    CASE
        WHEN length(tag) <= 3 THEN tag
        WHEN tag IN (
            '0_0', '(o)_(o)', '+_+', '+_-', '._.', '<o>_<o>', '<|>_<|>', '=_=', '>_<', '3_3', '6_9', '>_o', '@_@',
            '^_^', 'o_o', 'u_u', 'x_x', '|_|', '||_||'
        ) THEN tag
        ELSE replace(tag, '_', ' ')
    END;

CREATE OR REPLACE MACRO escaped(words) AS regexp_replace(words, '([\\()])', '\\\1', 'g');
CREATE OR REPLACE MACRO unescaped(words) AS regexp_replace(words, '\\(.)', '\1', 'g');

-- The tags that a tag of several words implies: 'very_long_hair' implies 'very', 'long', 'hair', 'very_long' and
-- 'long_hair'. An empty list for a tag of one word.
CREATE OR REPLACE MACRO implied_tags(tag) AS
    list_filter(
        flatten(
            list_transform(
                range(1, len(string_split(tag, '_')) + 1),
                lambda first: list_transform(
                    range(first, len(string_split(tag, '_')) + 1),
                    lambda last: array_to_string(string_split(tag, '_')[first:last], '_')
                )
            )
        ),
        lambda part: part <> tag AND part <> ''
    );

-- Is this tag in the list? An entry may contain stars and may have spaces or underscores: 'red hair', '*_background'.
CREATE OR REPLACE MACRO is_listed(tag, entries) AS
    list_contains(list_transform(entries, lambda entry: replace(entry, ' ', '_')), tag)
    OR len(
        list_filter(
            entries,
            lambda entry: contains(entry, '*') AND regexp_full_match(
                tag,
                array_to_string(
                    list_transform(
                        string_split(replace(entry, ' ', '_'), '*'), lambda part: regexp_escape(part)
                    ),
                    '.*'
                )
            )
        )
    ) > 0;
