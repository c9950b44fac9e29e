-- The names in a list of people, {character, appearance}, such as the one from described().
CREATE OR REPLACE MACRO names_of(people) AS
    list_sort(list_distinct(list_transform(people, lambda who: who.character)));

CREATE OR REPLACE MACRO appearances_of(people) AS
    list_sort(list_distinct(list_filter(list_transform(people, lambda who: who.appearance), lambda a: a IS NOT NULL)));

-- Names with their appearances, as in the folders of the anime screenshot pipeline: 'KuraueHinata Hairdown'.
CREATE OR REPLACE MACRO named_in_full(people) AS
    list_sort(list_distinct(list_transform(people, lambda who: concat_ws(' ', who.character, who.appearance))));

-- The names of the tags, [{tag, category, score, counts}], that reach the threshold; null is the tagger's own.
CREATE OR REPLACE MACRO names_of_tags(tags, threshold) AS
    list_transform(list_filter(tags, lambda t: reaches(t.score, t.counts, threshold)), lambda t: t.tag);

-- The names of a picture that none of its people has, as {character, appearance}. Spaces and underscores are the same.
CREATE OR REPLACE MACRO also_there(people, names) AS
    list_transform(
        list_filter(
            list_distinct(names),
            lambda name: NOT list_contains(
                list_transform(people, lambda who: replace(who.character, ' ', '_')), replace(name, ' ', '_')
            )
        ),
        lambda name: {'character': name, 'appearance': NULL::VARCHAR}
    );
