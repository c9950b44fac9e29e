-- What captions_of() reads for styles without sentences and without people: a relation like more_about(), without rows.
CREATE OR REPLACE VIEW nothing_more AS
SELECT
    NULL AS picture,
    NULL::BIGINT AS variant,
    NULL::VARCHAR AS quality,
    NULL::VARCHAR AS description,
    NULL::VARCHAR AS positions,
    NULL::VARCHAR[] AS moved_tags,
    NULL::STRUCT(part DOUBLE[], text VARCHAR)[] AS elements
WHERE false;
