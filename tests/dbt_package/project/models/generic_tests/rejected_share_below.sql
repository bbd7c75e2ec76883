select * from (values (1), (2), (3), (null)) as t (day)
