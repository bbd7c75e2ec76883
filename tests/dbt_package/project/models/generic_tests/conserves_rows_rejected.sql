select * from (values (5, 'e')) as t (row_id, code)
