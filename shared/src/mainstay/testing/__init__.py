"""Helpers that let tests run the real parts and hide only the wiring."""

from mainstay.kernel.clock import ManualClock
from mainstay.testing.http import assert_every_route_has_a_scope, calling, minted
from mainstay.testing.waiting import eventually

__all__ = ["ManualClock", "assert_every_route_has_a_scope", "calling", "eventually", "minted"]
