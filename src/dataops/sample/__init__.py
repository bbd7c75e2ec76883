"""The sample domain of a generated project: what it brought, and how it is removed."""
