{%- macro drop_closed_schemas(prefix=none, keep=[], dry_run=true, drop_snapshots=false) -%}
    {%- set own_prefix = target.schema ~ "_" -%}
    {%- if dry_run is not boolean or drop_snapshots is not boolean -%}
        {{ exceptions.raise_compiler_error("dataops.drop_closed_schemas: dry_run and drop_snapshots are true or false; got: " ~ dry_run ~ ", " ~ drop_snapshots) }}
    {%- elif dataops.environment() == "prod" -%}
        {{ exceptions.raise_compiler_error("dataops.drop_closed_schemas: the schemas of " ~ target.name ~ " have plain names, so no prefix tells them from others. Drop one by hand, or name another target with --target") }}
    {%- elif not target.schema or prefix is not none and not (prefix | string | lower).startswith(own_prefix | lower) -%}
        {{ exceptions.raise_compiler_error("dataops.drop_closed_schemas: what starts with '" ~ prefix ~ "' need not be this target's. A prefix starts with the target's schema and an underscore, for example: prefix: " ~ own_prefix) }}
    {%- elif keep is string or keep is not iterable or "" in keep -%}
        {{ exceptions.raise_compiler_error("dataops.drop_closed_schemas: keep is a list of schemas, or of what they start with, for example: keep: [" ~ own_prefix ~ "12]; got: " ~ keep) }}
    {%- endif -%}
    {%- if execute -%}
        {%- do adapter.dispatch("drop_closed_schemas", "dataops")(prefix or own_prefix, keep, dry_run, drop_snapshots) -%}
    {%- endif -%}
{%- endmacro -%}

{%- macro default__drop_closed_schemas(prefix, keep, dry_run, drop_snapshots) -%}
    {#- Names are compared in lower case: to take two for one keeps a schema too many, and never drops one. What a node's
        `schema` config says is a name of prod. -#}
    {%- set owned, databases = [target.schema | lower], [target.database] -%}
    {%- for node in graph.nodes.values() | list + graph.sources.values() | list -%}
        {%- do owned.extend([node.schema, node.config.get("schema") or ""] | map("lower")) -%}
        {%- if node.resource_type != "source" -%}
            {%- do databases.append(node.database) -%}
        {%- endif -%}
    {%- endfor -%}

    {%- set closed, histories = [], [] -%}
    {%- set exact = {"database": true, "schema": true, "identifier": true} -%}
    {%- for database in databases | unique -%}
        {%- set listed = dbt.list_schemas(database) -%}
        {%- if listed.column_names | map("lower") | list not in [["schema_name"], ["nspname"]] -%}
            {{ exceptions.raise_compiler_error("dataops.drop_closed_schemas does not know the columns in which " ~ target.type ~ " lists schemas: " ~ listed.column_names | join(", ") ~ ". Write a macro " ~ target.type ~ "__drop_closed_schemas of your own") }}
        {%- endif -%}
        {%- for (schema,) in listed.rows if (schema | lower).startswith(prefix | lower) and schema | lower not in owned -%}
            {%- set home = api.Relation.create(database=database, schema=schema, quote_policy=exact) -%}
            {%- set reasons = [] -%}
            {%- for name in keep if ((schema ~ "_") | lower).startswith(name | lower ~ "_") -%}
                {%- do reasons.append("keep") -%}
            {%- endfor -%}
            {%- set relations = [] if reasons else dbt.list_relations_without_caching(home) -%}
            {%- for row in relations if row[3] == "table" and not drop_snapshots -%}
                {%- set relation = api.Relation.create(database=database, schema=schema, identifier=row[1], quote_policy=exact) -%}
                {%- if "dbt_scd_id" in adapter.get_columns_in_relation(relation) | map(attribute="name") | map("lower") | list -%}
                    {%- do reasons.append("history") -%}
                    {%- do histories.append(relation) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- if not reasons -%}
                {%- do closed.append([home, relations | length]) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}

    {%- for schema, size in closed -%}
        {%- if not dry_run -%}
            {%- do adapter.drop_schema(schema) -%}
        {%- endif -%}
        {%- do print(("Would drop" if dry_run else "Dropped") ~ " the schema " ~ schema ~ " with " ~ size ~ " tables and views") -%}
    {%- endfor -%}
    {%- for relation in histories -%}
        {%- do print("Kept the schema of " ~ relation ~ ": that is a snapshot, and its history cannot be built again. To drop it too: drop_snapshots: true") -%}
    {%- endfor -%}
    {%- if not closed -%}
        {%- do print("Nothing starts with " ~ prefix ~ " that could be dropped.") -%}
    {%- elif dry_run -%}
        {%- do print("Nothing was dropped. To drop, add to --args: dry_run: false") -%}
    {%- endif -%}
{%- endmacro -%}
