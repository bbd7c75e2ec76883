select * from (values (3)) as t (day)
