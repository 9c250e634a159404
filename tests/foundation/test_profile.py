"""Seconds by phase: each counted once, in its own thread, and nothing while nobody asks."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

import pytest

from isomorph.profile import Profile, active, profiling, profiling_within, timed, timing


def spend(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def test_nothing_is_measured_unless_somebody_asks():
    assert active() is None
    with profiling_within() as nobody:
        assert nobody is None
    idle = timed("forward")
    with idle, timed("write") as told:
        assert timed("decode") is idle
        assert told is None
    with profiling() as profile:
        pass
    assert profile.seconds == profile.counts == profile.beside == {}
    assert profile.other == profile.wall > 0


def test_a_phase_within_another_counts_once():
    with profiling() as profile:
        spend(0.01)
        with timed("forward"):
            spend(0.02)
            with timed("reduce"):
                spend(0.05)
                with timed("reduce"):
                    spend(0.01)
    assert profile.counts == {"forward": 1, "reduce": 1}
    assert profile.seconds["reduce"] >= 0.06
    assert 0.02 <= profile.seconds["forward"] <= profile.wall - profile.seconds["reduce"]
    assert profile.other >= 0.01
    assert sum(profile.seconds.values()) + profile.other == pytest.approx(profile.wall)


def test_a_whole_phase_takes_what_is_done_in_it():
    @timing("plan", whole=True)
    def look() -> None:
        with timed("forward"):
            spend(0.02)

    with profiling() as profile:
        look()
        with timed("forward"):
            pass
    assert profile.counts == {"plan": 1, "forward": 1}
    assert profile.seconds["plan"] >= 0.02 > profile.seconds["forward"]


def test_threads_are_told_apart_and_never_exceed_their_number_times_the_wall():
    def decode(_: int) -> None:
        with timed("decode"):
            spend(0.02)

    meeting = threading.Barrier(2)
    with profiling() as profile, ThreadPoolExecutor(2) as threads:
        for each in [threads.submit(copy_context().run, meeting.wait) for _ in range(2)]:
            each.result()
        work = [threads.submit(copy_context().run, decode, index) for index in range(6)]
        with timed("wait"):
            for each in work:
                each.result()
        threads.submit(decode, 0).result()  # without this thread's context it is somebody else's work
    assert profile.counts == {"decode": 6, "wait": 1}
    assert set(profile.seconds) == {"wait"}
    assert 1 <= profile.threads <= 2
    assert 0.12 <= profile.beside["decode"] <= profile.wall * profile.threads


def test_a_profile_takes_its_time_out_of_the_one_around_it():
    started = time.perf_counter()
    with profiling() as whole, timed("plan"):
        spend(0.02)
        with profiling() as unit, timed("forward"):
            spend(0.05)
    elapsed = time.perf_counter() - started
    assert set(whole.seconds) == {"plan"}
    assert unit.seconds["forward"] >= 0.05
    assert 0.02 <= whole.seconds["plan"] <= whole.wall <= elapsed - 0.05
    together = Profile.of(whole.plain())
    together.add(Profile.of(unit.plain()))
    assert together.wall == pytest.approx(whole.wall + unit.wall)
    assert together.wall <= elapsed
    assert set(together.seconds) == {"plan", "forward"}
    assert Profile.of({}).plain() == {"wall": 0.0, "threads": 0, "seconds": {}, "beside": {}, "counts": {}}


def test_an_error_closes_its_phases():
    @timing("write")
    def fail(words: str) -> None:
        """Fails."""
        raise OSError(words)

    assert fail.__doc__ == "Fails."
    with profiling() as profile:
        with timed("reduce"), pytest.raises(OSError, match="full"):
            fail("full")
        with timed("forward"):
            pass
    assert profile.counts == {"write": 1, "reduce": 1, "forward": 1}
    assert active() is None


def test_a_gpu_is_awaited_while_somebody_asks():
    import torch

    if not torch.cuda.is_available():
        pytest.skip("needs a GPU of CUDA")
    x = torch.ones(8192, 8192, device="cuda")

    def multiply() -> None:
        for _ in range(20):
            torch.mm(x, x)

    multiply()
    torch.cuda.synchronize()
    started = time.perf_counter()
    multiply()
    torch.cuda.synchronize()
    elapsed = time.perf_counter() - started
    with profiling() as profile:
        with timed("forward", x.device):
            multiply()
        with timed("reduce", x.device):
            pass
    assert profile.seconds["forward"] > elapsed / 2 > profile.seconds["reduce"]
