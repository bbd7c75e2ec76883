{%- macro require_release() -%}
    {{ return(adapter.dispatch("require_release", "dataops")()) }}
{%- endmacro -%}

{%- macro default__require_release() -%}
    {%- set writes = flags.WHICH in ("build", "run", "seed", "snapshot", "retry", "clone") -%}
    {%- if execute and writes and dataops.environment() == "prod" and not env_var("DATAOPS_CANDIDATE", "") -%}
        {{ exceptions.raise_compiler_error(target.name ~ " is written by releases only. Type: make release (without a Makefile: dataops release)") }}
    {%- endif -%}
    {{ return("") }}
{%- endmacro -%}
