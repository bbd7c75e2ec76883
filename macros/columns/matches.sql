{%- macro matches(expression, pattern) -%}
    {{ return(adapter.dispatch("matches", "dataops")(expression, pattern)) }}
{%- endmacro -%}

{#- Each engine has a function of its own, and reads backslashes in a text in its own way. -#}
{%- macro default__matches(expression, pattern) -%}
    {{ exceptions.raise_compiler_error("dataops.matches does not know how " ~ target.type ~ " matches a regular expression. Add a macro " ~ target.type ~ "__matches(expression, pattern) to a project of yours and to `dispatch` in dbt_project.yml") }}
{%- endmacro -%}

{%- macro duckdb__matches(expression, pattern) -%}
    {{ return("regexp_matches(" ~ expression ~ ", '" ~ pattern | replace("'", "''") ~ "')") }}
{%- endmacro -%}

{%- macro postgres__matches(expression, pattern) -%}
    {{ return(expression ~ " ~ '" ~ pattern | replace("'", "''") ~ "'") }}
{%- endmacro -%}

{%- macro redshift__matches(expression, pattern) -%}
    {{ return(expression ~ " ~ '" ~ pattern | replace("\\", "\\\\") | replace("'", "''") ~ "'") }}
{%- endmacro -%}

{%- macro snowflake__matches(expression, pattern) -%}
    {{ return("regexp_instr(" ~ expression ~ ", '" ~ pattern | replace("\\", "\\\\") | replace("'", "''") ~ "') > 0") }}
{%- endmacro -%}

{%- macro bigquery__matches(expression, pattern) -%}
    {{ return("regexp_contains(" ~ expression ~ ", '" ~ pattern | replace("\\", "\\\\") | replace("'", "\\'") ~ "')") }}
{%- endmacro -%}

{%- macro spark__matches(expression, pattern) -%}
    {{ return(expression ~ " rlike '" ~ pattern | replace("\\", "\\\\") | replace("'", "\\'") ~ "'") }}
{%- endmacro -%}
