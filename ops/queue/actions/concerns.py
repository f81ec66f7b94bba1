"""placeholder until the branch with concerns is merged"""


def concern_told(attempt_id: int) -> bool:
    return False
