{%- macro quarantine_columns(rules, raw_row="raw_row") -%}
    {{ return(adapter.dispatch("quarantine_columns", "dataops")(rules, raw_row)) }}
{%- endmacro -%}

{%- macro default__quarantine_columns(rules, raw_row) -%}
    {%- set example = "[{'name': 'readable_date', 'condition': 'ordered_at is not null', 'message': 'The date cannot be read.'}]" -%}
    {%- if rules is string or rules is mapping or rules is not iterable or not rules -%}
        {{ exceptions.raise_compiler_error("dataops.quarantine_columns needs a list of at least one rule, for example " ~ example ~ "; got: " ~ rules) }}
    {%- endif -%}
    {%- set names = [] -%}
    {%- set conditions = [] -%}
    {%- set name_parts = [] -%}
    {%- set message_parts = [] -%}
    {%- for rule in rules -%}
        {%- if rule is not mapping or rule | sort != ["condition", "message", "name"] or rule.values() | reject("string") | list or "" in rule.values() | map("trim") | list -%}
            {{ exceptions.raise_compiler_error("dataops.quarantine_columns: a rule needs a name, a condition and a message, all texts, for example " ~ example ~ "; got: " ~ rule) }}
        {%- elif not modules.re.fullmatch("[a-z][a-z0-9_]*", rule.name) -%}
            {{ exceptions.raise_compiler_error("dataops.quarantine_columns: a rule's name may have lower-case letters, digits and _ only, because one column holds several names, separated by commas. Try " ~ modules.re.sub("[^a-z0-9]+", "_", rule.name | lower) ~ "; got: " ~ rule.name) }}
        {%- elif rule.name in names -%}
            {{ exceptions.raise_compiler_error("dataops.quarantine_columns: two rules have the name " ~ rule.name ~ ". Give each rule its own name") }}
        {%- endif -%}
        {%- do names.append(rule.name) -%}
        {%- do conditions.append("(" ~ rule.condition ~ ")") -%}
        {%- set kept = "case when " ~ rule.condition ~ " then '' else " -%}
        {%- do name_parts.append(kept ~ dbt.string_literal(", " ~ rule.name) ~ " end") -%}
        {%- do message_parts.append(kept ~ dbt.string_literal(dbt.escape_single_quotes(" " ~ rule.message | trim)) ~ " end") -%}
    {%- endfor -%}
    {#- All conditions are checked at once; the details are computed for rejected rows only. -#}
    {%- set accepted = "case when " ~ conditions | join(" and ") ~ " then null else " -%}
    {{ accepted }}substr({{ dbt.concat(name_parts) }}, 3) end as broken_rules,
    {{ accepted }}substr({{ dbt.concat(message_parts) }}, 2) end as messages,
    {{ accepted }}{{ dataops.row_as_json(raw_row) }} end as raw_row,
    {{ accepted }}cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as {{ dbt.type_timestamp() }}) end as rejected_at
{%- endmacro -%}
