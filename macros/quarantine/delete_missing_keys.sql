{%- macro delete_missing_keys(relation, key) -%}
    {{ return(adapter.dispatch("delete_missing_keys", "dataops")(relation, key)) }}
{%- endmacro -%}

{%- macro default__delete_missing_keys(relation, key) -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where {{ config.get("unique_key") }} not in (select {{ key }} from {{ relation }} where {{ key }} is not null)
    {%- endif -%}
{%- endmacro -%}
