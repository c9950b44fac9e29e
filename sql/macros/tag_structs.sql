-- The stored tags of a frame as [{tag, category, score, counts}], best score first, then by name.
--
-- all_scores, tag_ids  columns of `frames`; counts says whether the tag is in tag_ids
--
-- It works within each frame's list: to gather the rows of the view `tags` into lists of structs takes ten times as long,
-- and gigabytes. The names and categories are variables of the session, because a list that comes from a join is copied
-- for every row by some versions of DuckDB.
CREATE OR REPLACE MACRO tag_structs(all_scores, tag_ids) AS
    list_transform(
        list_sort(list_transform(
            all_scores.tag_ids,
            lambda tag, place: {
                'worst': -all_scores.scores[place],
                'tag': getvariable('tag_names')[tag],
                'category': getvariable('tag_categories')[tag],
                'counts': list_contains(tag_ids, tag)
            }
        )),
        lambda one: {
            'tag': one.tag, 'category': one.category, 'score': one.worst / -100.0, 'counts': one.counts
        }
    );
