"""Many agents at once, in real processes with real sessions: `python -m tests.claimers MODE MOMENT PROCESSES`.

One process imports the product and forks the others, each with threads, each thread an agent of its own. MODE `claim`
takes tasks and finishes them until there are none, and prints what each took; `work` records outcomes instead; `settle`
is what the tick does. The clock stands at the lawful moment the caller names.
"""

import json
import os
import sys
import threading
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from ops import clock, create_app
from ops.accounts.models import User
from ops.db import db, driver_transaction, transaction
from ops.desk.actions.recording import Saved, record_outcome
from ops.errors import Refused
from ops.queue import jobs
from ops.work.outcomes import Outcome

OUTCOMES = (Outcome.ALL_WELL, Outcome.NO_ANSWER, Outcome.NOT_HAPPY, Outcome.VOICEMAIL, Outcome.ALL_WELL)


FINISH = "UPDATE tasks SET state = 'done', finished_at = %s, held_by = NULL, lease_until = NULL WHERE id = %s"


def claim_all(agent_id: int, actor: str, took: list[int]) -> None:
    """Claim and finish until there is nothing."""
    while claimed := jobs.next_for(agent_id, actor):
        took.append(claimed.id)
        with driver_transaction() as connection:
            connection.execute(FINISH, (clock.now(), claimed.id))


def settle(agent_id: int, actor: str, took: list[int]) -> None:
    """The minute's upkeep: leases that ran out come back."""
    jobs.upkeep()


def work(agent_id: int, actor: str, took: list[int]) -> None:
    """Claim and record outcomes until there is nothing, whatever happens to the database on the way."""
    turn = agent_id
    while True:
        try:
            claimed = jobs.next_for(agent_id, actor)
            if claimed is None:
                return
            turn += 1
            with transaction(actor):
                saved = Saved(OUTCOMES[turn % len(OUTCOMES)], note=f"{turn}")
                record_outcome(claimed.id, agent_id, claimed.fence, actor, saved)
            took.append(claimed.id)
        except Refused:  # the lease was taken back meanwhile
            continue
        except DBAPIError:  # the database went down: so does a web worker's request
            threading.Event().wait(0.2)


MODES = {"claim": claim_all, "work": work, "settle": settle}


def run(mode: str, moment: datetime, agents: list[tuple[int, str]]) -> list[list[int]]:
    """Every agent in a thread of its own; what each took."""
    app, took = create_app(), [[] for _ in agents]

    def one(number: int) -> None:
        with app.app_context(), clock.moved_to(moment):
            MODES[mode](*agents[number], took[number])

    threads = [threading.Thread(target=one, args=(number,)) for number in range(len(agents))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def main(mode: str, moment: str, processes: int) -> None:
    with create_app().app_context():
        agents = [(user.id, user.actor) for user in db.session.scalars(sa.select(User).where(User.role == "agent"))]
        db.session.remove()
        db.engine.dispose()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    children = []
    for number in range(processes):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            took = run(mode, datetime.fromisoformat(moment), agents[number::processes])
            with os.fdopen(write, "w") as pipe:
                json.dump(took, pipe)
            os._exit(0)
        os.close(write)
        children.append((child, read))
    results: list[list[int]] = []
    for child, read in children:
        with os.fdopen(read) as pipe:
            said = pipe.read()
        results += json.loads(said) if said else []
        os.waitpid(child, 0)
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
