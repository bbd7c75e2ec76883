"""What an exception tells that ends a task."""


class Problem(Exception):
    """Why something could not be done, and what to type instead.

    Attributes:
        problem: why.
        remedy: what to do about it.
    """

    def __init__(self, problem: str, remedy: str):
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy
