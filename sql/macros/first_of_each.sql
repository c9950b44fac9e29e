-- The same people in the same order, each once.
CREATE OR REPLACE MACRO first_of_each(people) AS
    list_filter(people, lambda who, place: list_position(people, who) = place);
