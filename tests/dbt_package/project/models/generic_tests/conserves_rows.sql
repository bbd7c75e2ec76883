select * from (values (1, 'a'), (2, 'b'), (4, 'd'), (4, 'd'), (null, 'n')) as t (row_id, code)
