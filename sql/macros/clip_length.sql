-- The largest number of frames that a trainer accepts and that is at most `most`; NULL if there is none.
--
--     clip_length('4n+1', 80)       -- 77
--     clip_length('34,68,102', 80)  -- 68
--     clip_length('any', 80)        -- 80
CREATE OR REPLACE MACRO clip_length(accepted, most) AS
    CASE
        WHEN accepted = 'any' THEN CASE WHEN most >= 1 THEN most::BIGINT END
        WHEN regexp_full_match(accepted, '[1-9][0-9]*n\+[0-9]+')
            THEN CASE
                WHEN most >= greatest(1, split_part(accepted, 'n+', 2)::BIGINT)
                    THEN most::BIGINT
                        - (most::BIGINT - split_part(accepted, 'n+', 2)::BIGINT) % split_part(accepted, 'n+', 1)::BIGINT
            END
        WHEN regexp_full_match(accepted, '\s*[1-9][0-9]*\s*(,\s*[1-9][0-9]*\s*)*')
            THEN list_max(
                list_filter(string_split(accepted, ',')::BIGINT[], lambda n: n <= most)
            )
        ELSE error('frames must be 4n+1, 8n+1, a list such as 34,68,102, or any. It is ' || accepted || '.')
    END;

-- Number of frames of a video, one every frame_s seconds, that the longest clip of at most `seconds` takes. NULL if no
-- accepted number of frames fits.
CREATE OR REPLACE MACRO video_frames(accepted, seconds, fps, frame_s) AS
    ceil(clip_length(accepted, floor(seconds * fps + 1e-6)) / fps / frame_s - 1e-6)::BIGINT;
