"""What runs the product on one machine, and why each part of it is our own.

- `supervisor` with `child`: starts everything, restarts with backoff. honcho restarts nothing and leaves orphans,
  circus opens an unauthenticated TCP port, systemd needs an installation.
- `starting` (and `parent_watch` off Linux): no child outlives its parent, even by kill -9. One prctl call, which Python
  does not offer; the change of account is `setpriv`'s.
- `servers` with `watchdog`, `locks`, `places`: PostgreSQL and Valkey shared by all that use a var folder, for as long
  as anybody does. The wheel's own pgserver adds an account to the machine, widens folders and never learns that
  a user died.
- `postgres`, `valkey`: how each is prepared, started and asked.
- `front`: how slow, many and strange clients are kept from holding up the others; what waitress leaves open.
- `web_server`, `worker`, `tick`: what waitress, RQ and the minute need to be told.
- `state`, `logs`, `health`, `views`: what other commands, the terminal and a monitor learn of it.
"""
