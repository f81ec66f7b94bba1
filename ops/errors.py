"""What the product says no to."""


class Refused(Exception):
    """A request that cannot be met, with a sentence for the person who asked. Nothing was changed."""
