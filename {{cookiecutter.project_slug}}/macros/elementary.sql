{#- Elementary keeps the rows that a test found. dbt wants the project itself to say that it may. -#}
{% materialization test, default %}
    {{ return(elementary.materialization_test_default()) }}
{% endmaterialization %}
