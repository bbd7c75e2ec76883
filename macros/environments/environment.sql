{%- macro environment() -%}
    {{ return(adapter.dispatch("environment", "dataops")()) }}
{%- endmacro -%}

{%- macro default__environment() -%}
    {%- for name, target_name in dataops.environment_targets().items() if target_name == target.name -%}
        {{ return(name) }}
    {%- endfor -%}
    {{ return("dev") }}
{%- endmacro -%}

{#- Not var("environments"): dbt would look that up among the vars of the package whose model calls the macro. -#}
{%- macro environment_targets() -%}
    {%- set settings = var("dataops", {}) -%}
    {%- set renamed = settings.get("environments", {}) if settings is mapping else settings -%}
    {%- set targets, wrong = {"dev": "dev", "ci": "ci", "prod": "prod"}, [] -%}
    {%- for name, target_name in (renamed.items() if renamed is mapping else [(renamed, none)]) -%}
        {%- if name not in targets or target_name is not string or not target_name | trim -%}
            {%- do wrong.append(name) -%}
        {%- endif -%}
        {%- do targets.update({name: target_name}) -%}
    {%- endfor -%}
    {%- if wrong or targets.values() | unique(case_sensitive=true) | list | length < targets | length -%}
        {{ exceptions.raise_compiler_error("dataops.environment needs a target name for each of dev, ci and prod, no two the same. Write in dbt_project.yml, for example: vars: {dataops: {environments: {dev: development, ci: ci, prod: production}}}; got: " ~ renamed) }}
    {%- endif -%}
    {{ return(targets) }}
{%- endmacro -%}
