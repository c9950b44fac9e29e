-- The stored tags of a frame as [{tag, category, score, counts}], best score first, then by name.
--
-- all_scores, tag_ids  columns of `frames`; counts is true if the tag is in tag_ids
--
-- It works within the list of each frame. Collecting the rows of the view `tags` into lists of structs takes ten times
-- as long, and gigabytes of memory. The names and categories are variables of the session, because some versions of
-- DuckDB copy a list that comes from a join for every row.
CREATE OR REPLACE MACRO tag_structs(all_scores, tag_ids) AS
    list_transform(
        list_sort(list_transform(
            all_scores.tag_ids,
            lambda tag, i: {
                'worst': -all_scores.scores[i],
                'tag': getvariable('tag_names')[tag],
                'category': getvariable('tag_categories')[tag],
                'counts': list_contains(tag_ids, tag)
            }
        )),
        lambda one: {
            'tag': one.tag, 'category': one.category, 'score': one.worst / -1000.0, 'counts': one.counts
        }
    );
