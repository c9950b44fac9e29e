-- The tags of a crop, from the tags of its frame: [{tag, category, score, counts}] for both.
--
-- Tags about the framing (full_body, portrait) may be wrong for a crop and are left out. Tags that count people are
-- kept if every face of the frame is in the crop. Otherwise they are counted again from the faces of the crop, if the
-- frame has only girls or only boys: 1girl and solo, 2girls, 3girls … If it has both, one face gives solo, and several
-- faces give no tag.
--
-- person_crop_tags does the same if the person in the crop has tags of their own, which are used instead of the
-- frame's. They count people unless the crop has several faces.
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

-- 'girl' or 'boy' if the frame has only one of the two, else NULL.
CREATE OR REPLACE MACRO has_counting_tag(names, pattern) AS
    len(list_filter(names, lambda name: regexp_full_match(name, pattern))) > 0;

CREATE OR REPLACE MACRO only_kind_of(names) AS
    CASE
        WHEN has_counting_tag(names, '1other|multiple_others') THEN NULL
        WHEN has_counting_tag(names, '(\d\+?|multiple_)girls?') THEN
            CASE WHEN NOT has_counting_tag(names, '(\d\+?|multiple_)boys?') THEN 'girl' END
        WHEN has_counting_tag(names, '(\d\+?|multiple_)boys?') THEN 'boy'
    END;

CREATE OR REPLACE MACRO only_kind(tags) AS only_kind_of(names_of_tags(tags, NULL));

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

CREATE OR REPLACE MACRO person_crop_tags(own, tags, n_faces, n_faces_of_frame) AS
    CASE
        WHEN own IS NULL THEN crop_tags(tags, n_faces, n_faces_of_frame)
        WHEN n_faces < 2 THEN list_filter(own, lambda t: NOT names_framing(t.tag))
        ELSE list_concat(
            list_filter(crop_tags(tags, n_faces, n_faces_of_frame), lambda t: counts_people(t.tag)),
            list_filter(own, lambda t: NOT names_framing(t.tag) AND NOT counts_people(t.tag))
        )
    END;
