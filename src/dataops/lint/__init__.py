"""make lint and make format: the git hooks, and the checks among them that are ours."""
