{%- macro incremental_scope(relation, key, loaded_at, model_loaded_at="loaded_at", days_late=0) -%}
    {{ return(adapter.dispatch("incremental_scope", "dataops")(relation, key, loaded_at, model_loaded_at, days_late)) }}
{%- endmacro -%}

{%- macro default__incremental_scope(relation, key, loaded_at, model_loaded_at, days_late) -%}
    {%- if not is_incremental() -%}
        {{ return("1 = 1") }}
    {%- endif -%}
    {%- set unique_key = config.get("unique_key") -%}
    {%- if unique_key is not string or config.get("incremental_strategy") != "delete+insert" -%}
        {{ exceptions.raise_compiler_error("dataops.incremental_scope needs incremental_strategy='delete+insert' and one column as unique_key in the model's config: all rows of a key are checked together and replace the old ones; got: unique_key=" ~ unique_key ~ ", incremental_strategy=" ~ config.get("incremental_strategy")) }}
    {%- endif -%}
    {%- set newest = "(select coalesce(max(newest_rows." ~ model_loaded_at ~ "), cast('0001-01-01' as " ~ dbt.type_timestamp() ~ ")) from " ~ this ~ " as newest_rows)" -%}
    {%- set arrived = "(" ~ loaded_at ~ " is null or " ~ loaded_at ~ " >= " ~ dbt.dateadd("day", -1 * (days_late | int), newest) ~ ")" -%}
    {%- set touched = "select " ~ key ~ " from " ~ relation ~ " where " ~ arrived -%}
    {%- set in_quarantine = "select checked_rows." ~ unique_key ~ " from " ~ this ~ " as checked_rows where checked_rows.broken_rules is not null" -%}
    {{ return("(" ~ key ~ " in (" ~ touched ~ ") or " ~ key ~ " in (" ~ in_quarantine ~ "))") }}
{%- endmacro -%}
