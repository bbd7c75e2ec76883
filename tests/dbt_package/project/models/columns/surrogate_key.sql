with rows_that_look_alike as (

    select * from (
        values
            (1, 'a', 'bc'),
            (2, 'ab', 'c'),
            (3, 'abc', ''),
            (4, '', 'abc'),
            (5, 'abc', null),
            (6, null, 'abc'),
            (7, null, null),
            (8, 'null', 'null'),
            (9, '', ''),
            (10, '1:a', 'bc'),
            (11, 'a2:bc', ''),
            (12, 'a', 'bc'),
            (13, '1', 'aaaaaaaaanull'),
            (14, '13aaaaaaaaa', null),
            (15, 'ab', 'cd'),
            (16, 'cd', 'ab')
    ) as t (row_id, first_text, second_text)

)

select
    row_id,
    {{ dataops.surrogate_key(['first_text', 'second_text']) }} as surrogate_key,
    {{ dataops.surrogate_key(['row_id']) }} as key_of_a_number
from rows_that_look_alike
