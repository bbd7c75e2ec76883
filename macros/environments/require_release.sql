{%- macro require_release() -%}
    {{ return(adapter.dispatch("require_release", "dataops")()) }}
{%- endmacro -%}

{%- macro default__require_release() -%}
    {%- set writes = flags.WHICH in ("build", "run", "seed", "snapshot", "retry", "clone") -%}
    {%- if execute and writes and target.name == "prod" and not env_var("DATAOPS_CANDIDATE", "") -%}
        {{ exceptions.raise_compiler_error("prod is written by releases only. Type: make release") }}
    {%- endif -%}
    {{ return("") }}
{%- endmacro -%}
