-- The tags of a crop, out of those of its frame: [{tag, category, score, counts}] in, the same out.
--
-- Tags that name the framing (full_body, portrait) are not true of a part and go. Tags that count people stay when
-- every face of the frame is in the crop. Else they are counted anew from its faces, where the frame has girls only
-- or boys only: 1girl and solo, 2girls, 3girls …; in a mixed company one face is solo, and more are not named.
CREATE OR REPLACE MACRO counts_people(tag) AS
    regexp_full_match(tag, '(\d\+?|multiple_)(girl|boy|other)s?|solo|solo_focus|no_humans');

CREATE OR REPLACE MACRO names_framing(tag) AS
    tag IN (
        'full_body', 'upper_body', 'lower_body', 'cowboy_shot', 'portrait', 'close-up', 'wide_shot', 'very_wide_shot',
        'head_out_of_frame', 'feet_out_of_frame', 'eyes_out_of_frame', 'cropped_legs', 'cropped_torso',
        'cropped_shoulders', 'cropped_head', 'letterboxed', 'pillarboxed', 'subtitled', 'widescreen'
    );

CREATE OR REPLACE MACRO people_tags(n, one) AS
    CASE
        WHEN n = 0 THEN []
        WHEN n = 1 AND one IS NULL THEN ['solo']
        WHEN one IS NULL THEN []
        WHEN n = 1 THEN ['1' || one, 'solo']
        WHEN n < 6 THEN [n || one || 's', 'multiple_' || one || 's']
        ELSE ['6+' || one || 's', 'multiple_' || one || 's']
    END;

CREATE OR REPLACE MACRO only_kind(tags) AS
    CASE
        WHEN len(list_filter(tags, lambda t: reaches(t.score, t.counts, NULL) AND t.tag IN ('1other', 'multiple_others'))) > 0 THEN NULL
        WHEN len(list_filter(tags, lambda t: reaches(t.score, t.counts, NULL) AND regexp_full_match(t.tag, '(\d\+?|multiple_)girls?'))) > 0
            THEN CASE
                WHEN len(list_filter(tags, lambda t: reaches(t.score, t.counts, NULL) AND regexp_full_match(t.tag, '(\d\+?|multiple_)boys?'))) = 0
                    THEN 'girl'
            END
        WHEN len(list_filter(tags, lambda t: reaches(t.score, t.counts, NULL) AND regexp_full_match(t.tag, '(\d\+?|multiple_)boys?'))) > 0 THEN 'boy'
    END;

CREATE OR REPLACE MACRO crop_tags(tags, n_faces, n_faces_of_frame) AS
    CASE
        WHEN tags IS NULL THEN NULL
        WHEN n_faces = n_faces_of_frame THEN list_filter(tags, lambda t: NOT names_framing(t.tag))
        ELSE list_concat(
            list_transform(
                people_tags(n_faces, only_kind(tags)),
                lambda name: {'tag': name, 'category': 'general', 'score': 1.0, 'counts': true}
            ),
            list_filter(tags, lambda t: NOT names_framing(t.tag) AND NOT counts_people(t.tag))
        )
    END;
