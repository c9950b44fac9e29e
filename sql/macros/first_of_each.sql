-- A list of people, or of anything, without repetitions, in the same order.
CREATE OR REPLACE MACRO first_of_each(people) AS
    list_filter(people, lambda who, i: list_position(people, who) = i);
