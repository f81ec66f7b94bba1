"""The tables of the queue."""

from ops.queue.models.ledger import KindPause, Lane, Share
from ops.queue.models.runs import CadenceRun
from ops.queue.models.tasks import Attempt, Task, TaskEvent
from ops.queue.models.workers import AgentProfile, Certification, NotOffered

__all__ = [
    "AgentProfile",
    "Attempt",
    "CadenceRun",
    "Certification",
    "KindPause",
    "Lane",
    "NotOffered",
    "Share",
    "Task",
    "TaskEvent",
]
