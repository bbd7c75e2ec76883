{%- macro trim(expression) -%}
    {{ return(adapter.dispatch("trim", "dataops")(expression)) }}
{%- endmacro -%}

{#- Most engines strip the ASCII space only. These are all of Unicode's spaces, which DuckDB strips by itself. -#}
{%- macro default__trim(expression) -%}
    {%- set spaces = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000" -%}
    {{ return("trim(both '" ~ spaces ~ "' from " ~ expression ~ ")") }}
{%- endmacro -%}

{%- macro duckdb__trim(expression) -%}
    {{ return("trim(" ~ expression ~ ")") }}
{%- endmacro -%}

{%- macro snowflake__trim(expression) -%}
    {%- set spaces = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000" -%}
    {{ return("trim(" ~ expression ~ ", '" ~ spaces ~ "')") }}
{%- endmacro -%}

{%- macro bigquery__trim(expression) -%}
    {{ return(dataops.snowflake__trim(expression)) }}
{%- endmacro -%}
