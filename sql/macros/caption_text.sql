-- How the words of a caption are joined.
--
-- in_words       tags or names as they are written in captions: with spaces or underscores, and with escaped brackets
-- split_names    'a, b,' as a list: a and b
-- joined         texts with a separator between them; unlike array_to_string(), the separator may differ per row
-- listed         'a, b and c'
-- words_of_kinds, words_of_groups   the words of chosen tags (see chosen_tags) that are of these kinds or groups
-- one_line       a text without line breaks and tabs, which separate captions in files
-- finished       a text that ends as a sentence does
-- is_prose_part  true for the parts that are sentences: description and positions
-- prose_in_front, prose_behind   the parts that are sentences, before and after the first other part
-- tag_parts      the other parts: those before the part `before` (kept in front by a trainer that shuffles), or others
-- text_of        the texts of some parts with the separator between them; NULL if there are none
-- joined_parts   the texts of the parts. Sentences are kept whole: a full stop separates them from tags, or kohya's
--                keep_tokens separator; sd-scripts do not shuffle what is before the first one and after the second.
-- person_place   where a person stands among n: `On the left`, as the captions of Anima say it
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

-- DuckDB computes the argument of a macro each time the macro mentions it (see squares.sql).
CREATE OR REPLACE MACRO listed(words) AS
    list_transform(
        [words],
        lambda w: concat_ws(' and ', nullif(array_to_string(w[1:len(w) - 1], ', '), ''), w[len(w)])
    )[1];

CREATE OR REPLACE MACRO words_of_kinds(chosen, kinds) AS
    list_transform(list_filter(chosen, lambda t: list_contains(kinds, t.kind)), lambda t: t.words);

CREATE OR REPLACE MACRO words_of_groups(chosen, "groups") AS
    list_transform(list_filter(chosen, lambda t: list_contains("groups", t.tag_group)), lambda t: t.words);

CREATE OR REPLACE MACRO one_line(text) AS trim(regexp_replace(text, '\s+', ' ', 'g'));

CREATE OR REPLACE MACRO finished(text) AS
    CASE WHEN text = '' OR regexp_matches(text, '[.!?…。！？]["''”’」』)]*$') THEN text ELSE text || '.' END;

CREATE OR REPLACE MACRO is_prose_part(part) AS part IN ('description', 'positions');

CREATE OR REPLACE MACRO first_of_tags(present) AS
    coalesce(list_position(list_transform(present, lambda part: is_prose_part(part)), false), 0);

CREATE OR REPLACE MACRO prose_in_front(present) AS present[1:greatest(first_of_tags(present) - 1, 0)];

CREATE OR REPLACE MACRO prose_behind(present) AS
    list_filter(present[first_of_tags(present) + 1:], lambda part: is_prose_part(part));

CREATE OR REPLACE MACRO tag_parts(present, parts, before, are_held) AS
    list_filter(
        present,
        lambda part: NOT is_prose_part(part)
            AND are_held = (list_position(parts, part) < coalesce(list_position(parts, before), 0))
    );

CREATE OR REPLACE MACRO text_of(these, texts, separator) AS
    nullif(joined(list_transform(these, lambda part: texts[part]), separator), '');

CREATE OR REPLACE MACRO joined_stretches(front, held, loose, behind, separator, keep_separator) AS
    CASE
        WHEN keep_separator = ''
            THEN concat_ws(' ', front, concat_ws('. ', nullif(concat_ws(separator, held, loose), ''), behind))
        WHEN coalesce(front, behind) IS NULL THEN concat_ws(' ' || keep_separator || ' ', held, loose)
        ELSE concat_ws(' ', front, held, keep_separator, loose, CASE WHEN behind <> '' THEN keep_separator END, behind)
    END;

CREATE OR REPLACE MACRO joined_parts(present, texts, parts, separator, keep_separator, before) AS
    CASE
        WHEN keep_separator = '' AND NOT list_has_any(present, ['description', 'positions'])
            AND list_unique(present) = len(present)
            THEN coalesce(text_of(present, texts, separator), '')  -- the same, in a third of the time
        ELSE joined_stretches(
            text_of(prose_in_front(present), texts, ' '),
            text_of(tag_parts(present, parts, before, true), texts, separator),
            text_of(tag_parts(present, parts, before, false), texts, separator),
            text_of(prose_behind(present), texts, ' '),
            separator,
            keep_separator
        )
    END;

CREATE OR REPLACE MACRO person_place(place, n_people) AS
    CASE
        WHEN place = 1 THEN CASE WHEN n_people > 3 THEN 'On the leftmost' ELSE 'On the left' END
        WHEN place = n_people THEN CASE WHEN n_people > 3 THEN 'On the rightmost' ELSE 'On the right' END
        WHEN n_people = 3 THEN 'In the middle'
        ELSE concat(
            'On the ',
            coalesce(
                ['second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth'][place - 1], place || 'th'
            ),
            ' from left'
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
