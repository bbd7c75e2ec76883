"""How fast the template and its projects are: `make bench`. What each number means: docs/benchmarks.md."""
