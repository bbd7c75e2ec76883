"""The small Python behind the tasks of the Makefile. One module a task, of the same name."""
