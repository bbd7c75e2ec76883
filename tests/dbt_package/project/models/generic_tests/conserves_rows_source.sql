-- Row 3 is in neither model, row 4 is in the clean one twice, row 5 in the rejected one; of two rows without an id one is lost.
select * from (values ('1', 'A'), ('2', 'B'), ('3', 'C'), ('4', 'D'), ('5', 'E'), (null, 'N'), (null, 'N')) as t (id, code)
