{%- macro drop_orphans(dry_run=true, target_name=none, drop_snapshots=false) -%}
    {%- if dry_run is not boolean or drop_snapshots is not boolean -%}
        {{ exceptions.raise_compiler_error("dataops.drop_orphans: dry_run and drop_snapshots are true or false; got: " ~ dry_run ~ ", " ~ drop_snapshots) }}
    {%- elif target_name is not none and target_name != target.name -%}
        {{ exceptions.raise_compiler_error("dataops.drop_orphans: target_name says " ~ target_name ~ ", and the target is " ~ target.name ~ ". Add: --target " ~ target_name) }}
    {%- elif dataops.environment() == "prod" and target_name != target.name -%}
        {{ exceptions.raise_compiler_error("dataops.drop_orphans leaves " ~ target.name ~ " alone unless it is named. Add to --args: target_name: " ~ target.name) }}
    {%- elif not target.schema -%}
        {{ exceptions.raise_compiler_error("dataops.drop_orphans: the target " ~ target.name ~ " has no schema, so nothing tells what is its own. Give it one in profiles.yml") }}
    {%- endif -%}
    {%- if execute -%}
        {%- do adapter.dispatch("drop_orphans", "dataops")(dry_run, target_name, drop_snapshots) -%}
    {%- endif -%}
{%- endmacro -%}

{%- macro default__drop_orphans(dry_run, target_name, drop_snapshots) -%}
    {#- Names are compared in lower case: to take two for one keeps a table too many, and never drops one. -#}
    {%- set owned, schemas = [[target.database, target.schema, "dataops_builds"] | join(".") | lower], {} -%}
    {%- set is_prod = dataops.environment() == "prod" -%}
    {%- for node in graph.nodes.values() | list + graph.sources.values() | list -%}
        {%- set place = [node.database, node.schema] -%}
        {%- do owned.append((place + [node.get("identifier") or node.get("alias")]) | join(".") | lower) -%}
        {%- set is_own = is_prod or ((node.schema ~ "_") | lower).startswith(target.schema | lower ~ "_") -%}
        {#- The schemas of this project's own nodes: what a package keeps in its own (monitoring, say) is not known from its nodes. -#}
        {%- if node.resource_type != "source" and node.package_name == project_name and is_own -%}
            {%- do schemas.update({place | join(".") | lower: place}) -%}
        {%- endif -%}
    {%- endfor -%}

    {%- set orphans, histories = [], [] -%}
    {%- set exact = {"database": true, "schema": true, "identifier": true} -%}
    {%- for database, schema in schemas.values() if adapter.check_schema_exists(database, schema) -%}
        {%- set listed = dbt.list_relations_without_caching(api.Relation.create(database=database, schema=schema)) -%}
        {%- if listed.column_names | map("lower") | list != ["database", "name", "schema", "type"] -%}
            {{ exceptions.raise_compiler_error("dataops.drop_orphans does not know the columns in which " ~ target.type ~ " lists relations: " ~ listed.column_names | join(", ") ~ ". Write a macro " ~ target.type ~ "__drop_orphans of your own") }}
        {%- endif -%}
        {%- for row in listed if [database, schema, row[1]] | join(".") | lower not in owned -%}
            {%- set relation = api.Relation.create(database=database, schema=row[2], identifier=row[1], type=row[3], quote_policy=exact) -%}
            {%- set columns = adapter.get_columns_in_relation(relation) | map(attribute="name") | map("lower") | list if relation.is_table else [] -%}
            {%- do (histories if "dbt_scd_id" in columns and not drop_snapshots else orphans).append(relation) -%}
        {%- endfor -%}
    {%- endfor -%}

    {%- if orphans and not dry_run -%}
        {#- In one transaction, where the engine has them: all or none. -#}
        {%- call statement("begin") -%} select 1 {%- endcall -%}
        {%- for relation in orphans -%}
            {%- do adapter.drop_relation(relation) -%}
        {%- endfor -%}
        {%- do adapter.commit() -%}
    {%- endif -%}

    {%- for relation in orphans -%}
        {%- do print(("Would drop" if dry_run else "Dropped") ~ " the " ~ relation.type ~ " " ~ relation) -%}
    {%- endfor -%}
    {%- for relation in histories -%}
        {%- do print("Kept the table " ~ relation ~ ": it is a snapshot, and its history cannot be built again. To drop it too: drop_snapshots: true") -%}
    {%- endfor -%}
    {%- if not orphans -%}
        {%- do print("Nothing to drop in " ~ target.name ~ ".") -%}
    {%- elif dry_run -%}
        {%- do print("Nothing was dropped. To drop, add to --args: dry_run: false") -%}
    {%- endif -%}
{%- endmacro -%}
