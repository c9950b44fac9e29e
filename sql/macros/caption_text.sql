-- How the words of a caption are joined.
--
-- in_words       tags or names as they are written in captions: with spaces or underscores, and with escaped brackets
-- split_names    'a, b,' as a list: a and b
-- joined         texts with a separator between them; unlike array_to_string(), the separator may differ per row
-- listed         'a, b and c'
-- joined_parts   the texts of the parts with the separator between them. If kohya's keep_tokens separator is set, it
--                comes before the part `before`.
-- sentence       one sentence of prose: who it is, their looks, their clothes, the rest, and the series
CREATE OR REPLACE MACRO split_names(names) AS
    list_filter(list_transform(string_split(names, ','), lambda name: trim(name)), lambda name: name <> '');

CREATE OR REPLACE MACRO in_words(texts, underscores, escape_brackets) AS
    list_transform(
        texts,
        lambda text: CASE
            WHEN escape_brackets THEN escaped(CASE WHEN underscores THEN text ELSE spoken_tag(text) END)
            WHEN underscores THEN text
            ELSE spoken_tag(text)
        END
    );

CREATE OR REPLACE MACRO joined(texts, separator) AS
    replace(array_to_string(list_filter(texts, lambda text: text <> ''), chr(31)), chr(31), separator);

CREATE OR REPLACE MACRO listed(words) AS
    concat_ws(
        ' and ',
        nullif(array_to_string(words[1:len(words) - 1], ', '), ''),
        words[len(words)]
    );

CREATE OR REPLACE MACRO joined_parts(present, texts, parts, separator, keep_separator, before) AS
    CASE
        WHEN keep_separator = '' THEN joined(list_transform(present, lambda part: texts[part]), separator)
        ELSE concat_ws(
            ' ' || keep_separator || ' ',
            nullif(joined(list_transform(
                list_filter(present, lambda part: list_position(parts, part) < list_position(parts, before)),
                lambda part: texts[part]
            ), separator), ''),
            nullif(joined(list_transform(
                list_filter(present, lambda part: list_position(parts, part) >= list_position(parts, before)),
                lambda part: texts[part]
            ), separator), '')
        )
    END;

CREATE OR REPLACE MACRO counted(n, one) AS
    CASE
        WHEN n = 1 THEN 'a ' || one
        WHEN n BETWEEN 2 AND 5 THEN ['two', 'three', 'four', 'five'][n - 1] || ' ' || one || 's'
        WHEN n > 5 THEN 'many ' || one || 's'
    END;

CREATE OR REPLACE MACRO sentence(
    present, activation, characters, n_girls, n_boys, looks, outfit, others, faces, kinds, copyright, artist, rating
) AS
    coalesce(nullif(concat_ws(
        ', ',
        CASE WHEN list_contains(present, 'activation') THEN nullif(array_to_string(activation, ', '), '') END,
        nullif(concat_ws(
            ' ',
            CASE
                WHEN list_contains(present, 'characters') AND len(characters) > 0 THEN listed(characters)
                WHEN list_contains(present, 'people') THEN
                    nullif(concat_ws(' and ', counted(n_girls, 'girl'), counted(n_boys, 'boy')), '')
            END,
            CASE WHEN list_contains(present, 'tags') AND len(looks) > 0 THEN 'with ' || listed(looks) END
        ), ''),
        CASE WHEN list_contains(present, 'tags') AND len(outfit) > 0 THEN 'wearing ' || listed(outfit) END,
        CASE WHEN list_contains(present, 'tags') THEN nullif(array_to_string(others, ', '), '') END,
        CASE WHEN list_contains(present, 'faces') AND len(faces) > 0 THEN listed(faces) END,
        CASE WHEN list_contains(present, 'rating') THEN rating END,
        nullif(concat_ws(
            ' ',
            CASE
                WHEN
                    list_contains(present, 'image_type')
                    OR list_contains(present, 'general')
                    OR list_contains(present, 'crop')
                    THEN nullif(kinds, '')
            END,
            CASE WHEN list_contains(present, 'copyright') AND len(copyright) > 0 THEN 'from ' || listed(copyright) END,
            CASE WHEN list_contains(present, 'artist') AND len(artist) > 0 THEN 'by ' || listed(artist) END
        ), '')
    ), '') || '.', '');
