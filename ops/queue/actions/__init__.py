"""The business verbs of the queue. They flush and never commit; the edge opens the transaction."""
