{%- macro record_build() -%}
    {{ return(adapter.dispatch("record_build", "dataops")()) }}
{%- endmacro -%}

{%- macro default__record_build() -%}
    {#- compile, docs and test run the hooks too, and build nothing: compile and docs would note every model as begun, and
        do so in transactions that collide. -#}
    {%- if not execute or flags.WHICH not in ("build", "run", "seed", "snapshot", "retry") -%}
        {{ return("") }}
    {%- endif -%}

    {#- dbt hands `results` to on-run-end alone. What it skipped is not among them, and stays "started". -#}
    {%- set states = {} -%}
    {%- if results is defined -%}
        {%- set whole = "empty" if flags.EMPTY else "sample" if flags.SAMPLE else "success" -%}
        {%- for result in results -%}
            {%- do states.update({result.node.unique_id: whole if result.status | string == "success" else result.status | string}) -%}
        {%- endfor -%}
    {%- else -%}
        {%- for unique_id in selected_resources -%}
            {%- do states.update({unique_id: "started"}) -%}
        {%- endfor -%}
    {%- endif -%}

    {%- set recent_days = 0 if dataops.environment() in ("prod", "ci") else [var("recent_days", 30) | int, 0] | max -%}
    {%- set ids, rows = [], [] -%}
    {%- for unique_id, state in states.items() if unique_id in graph.nodes -%}
        {%- set node = graph.nodes[unique_id] -%}
        {%- if node.resource_type in ("model", "seed", "snapshot") and node.config.materialized != "ephemeral" and node.database in (none, target.database) -%}
            {%- set values = [unique_id, node.schema, node.alias, node.config.materialized, target.name, dataops.code_checksum(unique_id), state, invocation_id, run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f")] -%}
            {%- set literals = [] -%}
            {%- for value in values -%}
                {%- do literals.append("'" ~ value | string | replace("'", "''") ~ "'") -%}
            {%- endfor -%}
            {%- do ids.append(literals[0]) -%}
            {%- do rows.append("(" ~ literals | join(", ") ~ ", " ~ recent_days ~ ")") -%}
        {%- endif -%}
    {%- endfor -%}

    {%- if rows -%}
        {%- set builds = api.Relation.create(database=target.database, schema=target.schema, identifier="dataops_builds", type="table") -%}
        {%- do adapter.create_schema(builds.without_identifier()) -%}
        {%- set text = dbt.type_string() -%}
        {%- do run_query(
            "create table if not exists " ~ builds ~ " (unique_id " ~ text ~ ", relation_schema " ~ text ~ ", relation_name " ~ text
            ~ ", materialized " ~ text ~ ", target_name " ~ text ~ ", code_checksum " ~ text ~ ", state " ~ text
            ~ ", invocation_id " ~ text ~ ", run_started_at " ~ dbt.type_timestamp() ~ ", recent_days " ~ dbt.type_int() ~ ")"
        ) -%}
        {%- do run_query("delete from " ~ builds ~ " where unique_id in (" ~ ids | join(", ") ~ ")") -%}
        {{ return("insert into " ~ builds ~ " values " ~ rows | join(", ")) }}
    {%- endif -%}
    {{ return("") }}
{%- endmacro -%}

{#- The one definition of a model's code: its file, the ephemeral models inlined in it, and the macros that any of these call,
    without dbt's own. dbt renders it in a build; the package's Python (manifest.py) renders this same text with a manifest, so
    it uses nothing but graph, context, target.type and local_md5. -#}
{%- macro code_checksum(unique_id) -%}
    {%- set code, parts = [unique_id], [] -%}
    {%- for id in code -%}{#- the list grows while it is read -#}
        {%- if id.startswith("macro.") -%}
            {%- set part = context[id.split(".")[1]][id.split(".")[2]].macro -%}
            {%- do parts.append(id ~ " " ~ local_md5(part.macro_sql)) -%}
        {%- else -%}
            {%- set part = graph.nodes[id] -%}
            {%- do parts.append([id, part.config.materialized, part.checksum.checksum, (part.contract or {}).checksum or "-"] | join(" ")) -%}
            {%- for parent in part.depends_on.nodes or [] if (graph.nodes.get(parent, {}).config or {}).materialized == "ephemeral" and parent not in code -%}
                {%- do code.append(parent) -%}
            {%- endfor -%}
        {%- endif -%}
        {%- for macro in part.depends_on.macros or [] if macro.split(".")[1] not in ("dbt", "dbt_" ~ target.type) and macro not in code -%}
            {%- do code.append(macro) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{- local_md5(parts | sort(case_sensitive=true) | join("\n")) -}}
{%- endmacro -%}
