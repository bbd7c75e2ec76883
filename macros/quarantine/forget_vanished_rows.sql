{%- macro forget_vanished_rows(relation, key) -%}
    {{ return(adapter.dispatch("forget_vanished_rows", "dataops")(relation, key)) }}
{%- endmacro -%}

{%- macro default__forget_vanished_rows(relation, key) -%}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where {{ config.get("unique_key") }} not in (select {{ key }} from {{ relation }} where {{ key }} is not null)
    {%- endif -%}
{%- endmacro -%}
