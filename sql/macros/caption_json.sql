-- Captions that are JSON, in one line.
--
-- json_caption   for Ideogram 4: a text, the background, and each person with a box [top, left, bottom, right], 0…1000
-- bbox_caption   the .bbox file of SimpleTuner: each person with a box [left, top, right, bottom], 0…1
-- nl_caption     the .json file of AnimaLoraStudio: tags by their kind, and `nl`, the description
--
-- elements are [{part, text}]: a box (left, top, right, bottom, 0…1) and words about it. The order of the keys is the
-- one that the readers check.
CREATE OR REPLACE MACRO json_caption(text, background, elements) AS
    to_json({
        'high_level_description': coalesce(text, ''),
        'compositional_deconstruction': {
            'background': array_to_string(background, ', '),
            'elements': list_transform(elements, lambda e: {
                'type': 'obj',
                'bbox': list_transform(
                    [e.part[2], e.part[1], e.part[4], e.part[3]], lambda side: round(1000 * side)::INTEGER
                ),
                'desc': e.text
            })
        }
    })::VARCHAR;

CREATE OR REPLACE MACRO bbox_caption(elements) AS
    to_json(list_transform(
        list_filter(
            elements,
            lambda e: round(e.part[1], 4) < round(e.part[3], 4) AND round(e.part[2], 4) < round(e.part[4], 4)
        ),
        lambda e: {'label': e.text, 'bbox': list_transform(e.part, lambda side: round(side, 4))}
    ))::VARCHAR;

CREATE OR REPLACE MACRO nl_caption(
    activation, quality, people, characters, copyright, artist, appearance, others, environment, description
) AS
    to_json(struct_pack(
        meta := {'trigger': array_to_string(activation, ', ')},
        tags := struct_pack(
            quality := quality,
            count := array_to_string(people, ', '),
            "character" := array_to_string(characters, ', '),
            series := array_to_string(copyright, ', '),
            artist := array_to_string(artist, ', '),
            appearance := appearance,
            tags := others,
            environment := environment,
            nl := coalesce(description, '')
        )
    ))::VARCHAR;
