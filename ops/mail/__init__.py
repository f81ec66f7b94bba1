"""Emails: the one client that hands them to the email server, and the one outbox of those to people with an account."""
