"""Frozen clocks that start in a millisecond: freezegun looks through all two thousand modules each time, of which one
in ten knows a clock. Here each module is looked at once."""

import sys
from types import ModuleType
from typing import Any

import freezegun.api

CLOCKS = {id(each) for each in vars(freezegun.api).values() if getattr(each, "__name__", "").startswith("fake_")}
CLOCKS |= {id(freezegun.api.FakeDatetime), id(freezegun.api.FakeDate)} | freezegun.api._real_time_object_ids


class ModulesWithClocks:
    """`sys`, as freezegun sees it."""

    def __init__(self) -> None:
        self._looked_at: set[str] = set()
        self._with_clocks: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)

    @property
    def modules(self) -> dict[str, ModuleType]:
        """Those that know a clock, by name."""
        for name in sys.modules.keys() - self._looked_at:
            self._looked_at.add(name)
            names = getattr(sys.modules.get(name), "__dict__", {})  # some are no modules
            if any(id(each) in CLOCKS for each in list(names.values())):
                self._with_clocks.add(name)
        return {name: sys.modules[name] for name in self._with_clocks & sys.modules.keys()}


def freeze_quickly() -> None:
    """Have every frozen clock of this process start so."""
    freezegun.api.sys = ModulesWithClocks()  # type: ignore[assignment]
    freezegun.api._get_module_attributes_hash = lambda module: f"{id(module)}-{len(vars(module))}"
