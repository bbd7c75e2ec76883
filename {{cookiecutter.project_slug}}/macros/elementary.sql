{#- Lets Elementary keep the rows that fail a test: dbt requires this override in the project itself. -#}
{% materialization test, default %}
    {{ return(elementary.materialization_test_default()) }}
{% endmaterialization %}

{#-
    `dbt show` runs the tests of a model too, and shows the model alone. Elementary's exposure test is no query then: it
    returns none, which dbt would send to the warehouse as SQL.
-#}
{% macro get_show_sql(compiled_code, sql_header, limit) %}
    {%- set nothing = "select 1 as nothing where 1 = 0" -%}
    {{ return(dbt.get_show_sql(nothing if compiled_code | trim == "None" else compiled_code, sql_header, limit)) }}
{% endmacro %}

{#-
    Elementary writes each value of each row by a macro call: at the end of a run a second for a hundred rows. DuckDB takes
    all of them as one JSON text. Elementary dispatches insert_rows, and dbt looks into the project first.
-#}
{% macro duckdb__insert_rows(table_relation, rows, should_commit=false, chunk_size=5000, on_query_exceed=none) %}
    {%- if table_relation and rows and table_relation.identifier in ["dbt_run_results", "elementary_test_results"] -%}
        {%- do complete_results(rows) -%}
    {%- endif -%}
    {%- set json_rows = [] -%}
    {%- for row in rows or [] -%}
        {%- set json_row = {} -%}
        {%- for name, value in row.items() -%}
            {%- if value is string or value is number -%}
                {%- do json_row.update({name | lower: value}) -%}
            {%- elif value is defined and (value is mapping or value is sequence) -%}
                {%- do json_row.update({name | lower: tojson(value)}) -%}
            {%- endif -%}
        {%- endfor -%}
        {%- do json_rows.append(json_row) -%}
    {%- endfor -%}
    {%- set json = tojson(json_rows) -%}
    {%- if not table_relation or not json_rows or not json -%}
        {{ return(elementary.default__insert_rows(table_relation, rows, should_commit, chunk_size, on_query_exceed)) }}
    {%- endif -%}
    {%- set columns = adapter.get_columns_in_relation(table_relation) -%}
    {%- set statement -%}
        insert into {{ table_relation }} ({{ columns | map(attribute="quoted") | join(", ") }})
        select
            {% for column in columns -%}
            {%- if column.name | lower == "created_at" -%}
            {{ elementary.edr_current_timestamp() }}
            {%- else -%}
            cast(json_extract_string(json_row, '$."{{ column.name | lower }}"') as {{ column.data_type }})
            {%- endif -%}
            {{ "," if not loop.last }}
            {% endfor %}
        from (select unnest(from_json('{{ json | replace("'", "''") }}', '["json"]')) as json_row)
    {%- endset -%}
    {%- do elementary.run_query(statement) -%}
    {%- if should_commit -%}
        {%- do adapter.commit() -%}
    {%- endif -%}
{% endmacro %}

{#-
    Completes and clears what Elementary is about to keep, row by row, in place:
    - how many rows the tables hold that were built: DuckDB does not say how many a statement wrote, so they are counted;
    - an error can quote a value (`Could not convert string 'ada@example.com'`), which can be personal: it is taken out.
-#}
{% macro complete_results(rows) %}
    {%- set counts = [] -%}
    {%- for row in rows -%}
        {%- if row.get("status") in ["error", "runtime error"] -%}
            {%- for column in ["message", "test_results_description"] if row.get(column) is string -%}
                {%- set message = modules.re.sub("'[^'\n]*'", "'...'", row[column]) -%}
                {%- do row.update({column: modules.re.sub('"([A-Za-z0-9_]+): [^"\n]*"', '"\\1: ..."', message)}) -%}
            {%- endfor -%}
        {%- elif row.get("status") == "success" and row.get("materialization") in ["table", "incremental", "seed", "snapshot"] -%}
            {%- set relation = graph.nodes[row["unique_id"]].relation_name -%}
            {%- do counts.append("select '" ~ row["unique_id"] ~ "' as unique_id, count(*) as row_count from " ~ relation) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if counts -%}
        {%- set counted = {} -%}
        {%- for unique_id, row_count in run_query(counts | join(" union all ")).rows -%}
            {%- do counted.update({unique_id: row_count | int}) -%}
        {%- endfor -%}
        {%- for row in rows if row.get("unique_id") in counted -%}
            {%- do row.update({"rows_affected": counted[row["unique_id"]]}) -%}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}
