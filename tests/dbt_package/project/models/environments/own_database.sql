-- Outside prod this database is not for writing; in prod it is.
{{ config(database='archive') }}

select 1 as id
