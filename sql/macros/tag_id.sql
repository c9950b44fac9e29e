-- The number of a tag in this database. 0, which is the number of no tag, if the tag is unknown.
--
-- The vocabulary is one text with a line "tag, tabulator, seven digits" per tag. DuckDB copies a variable each time a
-- query mentions it: a map with 10,000 keys takes milliseconds, a text microseconds.
-- For a constant tag, this is computed once per query. To name the tags of many rows, join `vocabulary`.
CREATE OR REPLACE MACRO tag_id(tag) AS
    coalesce(
        try_cast(
            substr(
                getvariable('tag_lines'),
                nullif(strpos(getvariable('tag_lines'), chr(10) || replace(tag, ' ', '_') || chr(9)), 0)
                    + length(tag) + 2,
                7
            ) AS INTEGER
        ),
        0::INTEGER
    );
