-- What the database knows of pictures, as texts for a prompt: one row per picture. Null: not known.
--
-- pictures   a relation with picture, frame_id, crop and crop_kind, as pictures.sql gives it
-- gives      picture, show, names, outfits, positions, tags, dialogue (see models/prompts)
--
-- Tags about the people of a frame with several faces are left out for a crop with fewer of them: they may be somebody
-- else's.
WITH facts AS MATERIALIZED (FROM described('pictures')),

faces_of_frames AS (
    SELECT frame_id, count(*) AS n_faces
    FROM newest_detections
    SEMI JOIN pictures USING (frame_id)
    WHERE kind = 'face'
    GROUP BY frame_id
),

tag_texts AS (
    SELECT picture, string_agg(spoken_tag(tag), ', ' ORDER BY score DESC, tag_number) AS tags
    FROM (
        SELECT tagged.*
        FROM tags_of('facts') AS tagged
        JOIN facts USING (picture)
        LEFT JOIN faces_of_frames AS all_faces ON all_faces.frame_id = facts.frame_id
        WHERE tagged.counts
            AND tagged.category = 'general'
            AND (
                facts.crop_kind IS NULL
                OR facts.picture_tags IS NOT NULL
                OR coalesce(all_faces.n_faces, 0) <= facts.n_faces
                OR (tagged.kind = 'other' AND NOT counts_people(tagged.tag) AND NOT names_framing(tagged.tag))
            )
        QUALIFY row_number() OVER (PARTITION BY picture ORDER BY tagged.score DESC, tagged.tag_number) <= 40
    )
    GROUP BY picture
),

-- of one track only: others say the same in other languages
said AS (
    SELECT frame_id, start_s, concat_ws(': ', nullif(speaker, ''), text) AS line
    FROM frame_lines
    WHERE kind = 'dialogue' AND frame_id IN (SELECT frame_id FROM pictures)
    QUALIFY 1 = dense_rank() OVER (PARTITION BY frame_id ORDER BY track NULLS LAST, track_title)
),

dialogue_texts AS (
    SELECT frame_id, string_agg(line, ' / ' ORDER BY start_s, line) AS dialogue FROM said GROUP BY frame_id
)

SELECT
    facts.picture,
    facts."show",
    nullif(array_to_string(list_transform(facts."cast", lambda one: one.character), ', '), '') AS names,
    nullif(
        array_to_string(
            list_transform(
                list_filter(facts."cast", lambda one: one.appearance IS NOT NULL),
                lambda one: one.character || ' (' || one.appearance || ')'
            ),
            ', '
        ),
        ''
    ) AS outfits,
    nullif(
        array_to_string(
            list_transform(
                facts.faces,
                lambda face: coalesce(face.character, 'somebody') || CASE
                    WHEN face.left + face.right < 2 / 3.0 THEN ' on the left'
                    WHEN face.left + face.right > 4 / 3.0 THEN ' on the right'
                    ELSE ' in the middle'
                END
            ),
            ', '
        ),
        ''
    ) AS positions,
    tag_texts.tags,
    dialogue_texts.dialogue
FROM facts
LEFT JOIN tag_texts USING (picture)
LEFT JOIN dialogue_texts ON dialogue_texts.frame_id = facts.frame_id
ORDER BY facts.picture;
