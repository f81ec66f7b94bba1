"""Reading a practice's files: what they are, whose columns they have, and what each row says. Touches no database."""
