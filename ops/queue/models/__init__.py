"""The tables of the queue."""

from ops.queue.models.cadences import Cadence, CadenceRun, CadenceStep, Trigger
from ops.queue.models.concerns import Concern, ConcernMail
from ops.queue.models.desk import DeskKeys
from ops.queue.models.floor import AgentProfile, Certification, KindPause, Lane, Share
from ops.queue.models.rhythm import Break, BreakKind, DeskSettings, MinuteCorrection, WrapUp
from ops.queue.models.tasks import Attempt, Task, TaskEvent
from ops.queue.models.words import EventKind, Kind, Outcome, RunState, StepMode, TaskState

__all__ = [
    "AgentProfile",
    "Attempt",
    "Break",
    "BreakKind",
    "Cadence",
    "CadenceRun",
    "CadenceStep",
    "Certification",
    "Concern",
    "ConcernMail",
    "DeskKeys",
    "DeskSettings",
    "EventKind",
    "Kind",
    "KindPause",
    "Lane",
    "MinuteCorrection",
    "Outcome",
    "RunState",
    "Share",
    "StepMode",
    "Task",
    "TaskEvent",
    "TaskState",
    "Trigger",
    "WrapUp",
]
