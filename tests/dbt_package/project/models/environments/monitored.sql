-- A database that each environment has its own of, under the same name.
{{ config(database='monitoring') }}

select 1 as id
