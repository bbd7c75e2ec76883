select * from (
    values
        (1, 'AB-12'),
        (2, 'AB-123'),
        (3, 'ab-12'),
        (4, ''),
        (5, null),
        (6, 'AB-12' || chr(10)),
        (7, 'it''s')
) as t (row_id, code)
