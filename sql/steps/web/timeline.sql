-- What happens when in one video, in one row of lists: its shots, who is in them, what is said, its chapters.
--
-- {source}    the source, as a literal
-- shots       in order; an exact shot ends where the next one begins
-- characters  those in the most shots, each with the frames that show it, one per shot
-- lines       dialogue of the track that has the most of it
-- frame_id    the ingested frame to open: of a shot the one that represents it, of a line the last one until its end,
--             of a chapter the first one in it; null: there is none
WITH pictures AS (
    SELECT frame_id, time_s, shot FROM frames WHERE source_id = {source} AND time_s IS NOT NULL
),

cuts AS (
    SELECT shot, first_s, coalesce(first_s + seconds, last_s) AS end_s, frame_id, motion, shot_id
    FROM shots
    WHERE source_id = {source}
),

seen AS (
    SELECT character, shot, min(frame_id) AS frame_id
    FROM characters
    INNER JOIN pictures USING (frame_id)
    WHERE character NOT IN ('ood', 'unknown')
    GROUP BY character, shot
),

cast_list AS (
    SELECT
        character AS name,
        count(*) AS n_shots,
        list({'first_s': first_s, 'end_s': end_s, 'frame_id': seen.frame_id} ORDER BY first_s) AS spans
    FROM seen
    INNER JOIN cuts USING (shot)
    GROUP BY character
    ORDER BY n_shots DESC, name
    LIMIT 12
),

dialogue_lines AS (
    SELECT start_s, end_s, text, speaker, coalesce(track_title, track::VARCHAR, '') AS said_in
    FROM lines
    WHERE source_id = {source} AND kind = 'dialogue'
),

said AS (
    SELECT d.start_s AS first_s, d.end_s, d.text, d.speaker, p.frame_id
    FROM dialogue_lines AS d
    ASOF LEFT JOIN pictures AS p ON d.end_s >= p.time_s
    WHERE d.said_in = (SELECT mode(said_in ORDER BY said_in) FROM dialogue_lines)
),

parts AS (
    SELECT c.number, c.start_s AS first_s, c.end_s, c.title, c.kind, p.frame_id
    FROM chapters AS c
    ASOF LEFT JOIN pictures AS p ON c.start_s <= p.time_s
    WHERE c.source_id = {source}
)

SELECT
    (SELECT any_value(duration_s) FROM sources WHERE source_id = {source}) AS duration_s,
    (
        SELECT list({
            'shot': shot, 'shot_id': shot_id, 'first_s': first_s, 'end_s': end_s, 'frame_id': frame_id, 'motion': motion
        } ORDER BY shot)
        FROM cuts
    ) AS shots,
    (SELECT list({'name': name, 'spans': spans} ORDER BY n_shots DESC, name) FROM cast_list) AS characters,
    (
        SELECT list({
            'first_s': first_s, 'end_s': end_s, 'text': text, 'speaker': speaker, 'frame_id': frame_id
        } ORDER BY first_s, text)
        FROM said
    ) AS lines,
    (
        SELECT list({
            'first_s': first_s, 'end_s': end_s, 'title': title, 'kind': kind, 'frame_id': frame_id
        } ORDER BY number)
        FROM parts
    ) AS chapters
