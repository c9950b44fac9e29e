-- name: character_set
-- Pictures of characters for training: the best frames, spread evenly.
-- A frame must show one of the characters, in one of the appearances, and must meet every other condition. Without
-- characters and appearances every frame counts. The best frames come first: those that pass the quality gates, that
-- show nobody else, with the surer face, and the sharper ones. The first frame of every shot comes before the second
-- of any. framing is decided by tags, else by the height of the face (see the macro framing).
-- param characters: characters = []   one of these is there; empty: anybody or nobody
-- param appearances: appearances = []   in one of these appearances; empty: any
-- param has: tags = []             tags that a frame must have
-- param has_none: tags = []        tags that it must not have
-- param framing: close-up|portrait|upper_body|cowboy_shot|full_body|wide_shot[] = []   one of these; empty: any
-- param shows: shows = []          only these shows; empty: all
-- param episodes: episodes = []    only these: 3, S01E03 or S01; empty: all
-- param where: condition = true   SQL over the columns of frames, e.g. sharpness > 60
-- param count: int = null          maximum number of frames, 1…
-- param per: appearance|episode|shot|framing = null   as many of each as there are, one after the other
-- param text: allow|none = allow   none leaves out frames with burned-in text
-- param copies: bool = false       include near-duplicates
-- param dropped: bool = false      include frames that a person dropped
-- param quality: bool = false      only frames that pass every quality gate: the view good
WITH wanted AS (  -- the surest box of each frame
    SELECT
        c.frame_id,
        arg_max(
            {
                'character': c.character,
                'appearance': c.appearance,
                'score': c.score,
                'face_height': face_height(c.kind, d."top", d.bottom)
            },
            (c.kind = 'face', c.score, c.face_id)
        ) AS box
    FROM characters AS c
    JOIN detections AS d ON d.detection_id = c.face_id
    WHERE (len($characters) = 0 OR list_contains($characters, c.character))
      AND (len($appearances) = 0 OR list_contains($appearances, c.appearance))
    GROUP BY c.frame_id
),

fine AS (FROM fine_frames()),

faces_of AS (SELECT frame_id, max(bottom - "top") AS height FROM detections WHERE kind = 'face' GROUP BY frame_id),

likely AS (
    SELECT
        f.frame_id, f.source_id, f."show", f.season, f.episode, f.time_s, f.shot, f.tag_ids,
        coalesce(
            box.character, CASE WHEN len($characters) = 0 THEN who.character ELSE ($characters)[1] END
        ) AS character,
        box.appearance AS appearance,
        box.score AS score,
        coalesce(box.face_height, faces_of.height) AS height,
        {
            'is_good': fine.frame_id IS NOT NULL,
            'is_alone': who.n_characters <= 1 AND who.n_boxes <= 1,
            'score': round(coalesce(box.score, 0)::DOUBLE, 1),
            'sharpness': coalesce(f.sharpness, 0)
        } AS merit
    FROM (FROM kept_frames(copies := $copies, dropped := $dropped) WHERE $where) AS f
    JOIN frame_characters AS who ON who.frame_id = f.frame_id
    LEFT JOIN wanted ON wanted.frame_id = f.frame_id
    LEFT JOIN faces_of ON faces_of.frame_id = f.frame_id
    LEFT JOIN fine ON fine.frame_id = f.frame_id
    WHERE f.is_blank IS NOT TRUE
      AND (len($characters) = 0 OR has_any_character(who.characters, $characters))
      AND (len($appearances) = 0 OR box IS NOT NULL)
      AND has_all(f.tag_ids, $has)
      AND NOT has_any(f.tag_ids, $has_none)
      AND (len($shows) = 0 OR list_contains($shows, f."show"))
      AND (len($episodes) = 0 OR is_episode(f.season, f.episode, $episodes))
      AND ($text = 'allow' OR coalesce(greatest(f.text_upper, f.text_lower), 0) <= 0.02)
      AND (NOT $quality OR fine.frame_id IS NOT NULL)
),

framed AS (SELECT *, framing(tag_ids, height) AS framing FROM likely),

grouped AS (
    SELECT
        *,
        CASE $per
            WHEN 'appearance' THEN concat_ws('/', character, appearance)
            WHEN 'episode' THEN source_id
            WHEN 'shot' THEN concat_ws('/', source_id, shot)
            WHEN 'framing' THEN framing
        END AS part,
        CASE $per
            WHEN 'appearance' THEN appearance IS NULL
            WHEN 'framing' THEN framing IS NULL
            ELSE false
        END AS is_rest,
        row_number() OVER (PARTITION BY source_id, shot ORDER BY merit DESC, frame_id) AS of_shot
    FROM framed
    WHERE len($framing) = 0 OR list_contains($framing, framing)
)

SELECT frame_id, "show", season, episode, time_s, shot, character, appearance, framing, score
FROM grouped
ORDER BY
    is_rest,
    row_number() OVER (PARTITION BY is_rest, part ORDER BY of_shot, merit DESC, frame_id),
    merit DESC,
    frame_id
LIMIT $count;
