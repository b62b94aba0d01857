"""Order, lateness, errors and the end of the engine's thread, with made-up jobs."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
import time

import pytest

from napari_sam.threads.engine_thread import EngineThread, Job, Priority
from tests.plugin.fake_window import PATIENCE, FakeWindow, Gate, wait_until


@pytest.fixture
def window():
    return FakeWindow()


@pytest.fixture
def engine(window):
    engine = EngineThread(window.deliver)
    yield engine
    assert engine.stop()


class Ear:
    """Hears what becomes of jobs."""

    def __init__(self):
        self.results, self.errors, self.steps = [], [], []
        self.threads = set()

    def job(self, work, priority=Priority.PROMPT, **options):
        return Job(
            work,
            priority,
            on_result=self._listen(self.results),
            on_error=self._listen(self.errors),
            on_steps=self._listen(self.steps),
            **options,
        )

    def _listen(self, heard):
        def hear(news):
            self.threads.add(threading.get_ident())
            heard.append(news)

        return hear


@pytest.fixture
def ear():
    return Ear()


def hold(engine, ear):
    """Keep the thread busy until the gate that is returned is opened."""
    gate = Gate()
    engine.submit(ear.job(gate))
    gate.wait_until_reached()
    return gate


def counting(stop, *, log=None, gate=None):
    """Return work that counts, step by step."""

    def work():
        for number in range(stop):
            if gate is not None:
                gate()
            if log is not None:
                log.append(number)
            yield number
        return "counted"

    return work


def test_no_thread_is_started_before_there_is_something_to_do(engine):
    assert not engine.is_alive


def test_a_function_is_called_elsewhere_and_its_result_is_heard_here(
    engine, ear, window
):
    engine.submit(ear.job(threading.get_ident))
    window.wait_for(lambda: ear.results)
    assert ear.results != [threading.get_ident()]
    assert ear.threads == {threading.get_ident()}


def test_a_generator_tells_each_step_and_then_its_result(engine, ear, window):
    engine.submit(ear.job(counting(5)))
    window.wait_for(lambda: ear.results)
    assert [number for heard in ear.steps for number in heard] == list(range(5))
    assert ear.results == ["counted"]


def test_a_caller_who_is_slow_hears_many_steps_at_once(engine, ear, window):
    engine.submit(ear.job(counting(500)))
    deliveries = window.take_deliveries(2)
    for deliver in deliveries:
        deliver()
    assert ear.steps == [list(range(500))]
    assert ear.results == ["counted"]


def test_the_most_urgent_is_done_first_and_equals_in_their_order(engine, ear, window):
    gate, log = hold(engine, ear), []
    for name, priority in [
        ("run", Priority.BACKGROUND),
        ("near", Priority.SOON),
        ("click 1", Priority.PROMPT),
        ("click 2", Priority.PROMPT),
    ]:
        engine.submit(ear.job(lambda name=name: log.append(name), priority))
    gate.open()
    window.wait_for(lambda: len(ear.results) == 5)
    assert log == ["click 1", "click 2", "near", "run"]


def test_a_prompt_is_answered_between_two_steps(engine, ear, window):
    log, gate = [], Gate()
    engine.submit(ear.job(counting(3, log=log, gate=gate), Priority.BACKGROUND))
    gate.wait_until_reached()
    engine.submit(ear.job(lambda: log.append("answer")))
    gate.open(3)
    window.wait_for(lambda: "counted" in ear.results)
    assert log == [0, "answer", 1, 2]


def long_step(engine, gate, log):
    """Return work of one step that breathes whenever it was let through the gate."""

    def work():
        for number in range(3):
            gate()
            engine.breathe()
            log.append(number)
        return "long"

    return work


def test_a_long_step_lets_more_urgent_jobs_through(engine, ear, window):
    gate, log = Gate(), []
    engine.submit(ear.job(long_step(engine, gate, log), Priority.SOON))
    gate.wait_until_reached()
    engine.submit(ear.job(lambda: log.append("later"), Priority.BACKGROUND))
    engine.submit(ear.job(lambda: log.append("equal"), Priority.SOON))
    engine.submit(ear.job(lambda: log.append("click"), Priority.PROMPT))
    engine.submit(ear.job(counting(2, log=log), Priority.PROMPT))
    gate.open(3)
    window.wait_for(lambda: len(ear.results) == 5)
    assert log == ["click", 0, 1, 0, 1, 2, "equal", "later"]
    assert ear.results == [None, "counted", "long", None, None]


def test_a_long_step_lets_jobs_through_at_every_breath(engine, ear, window):
    gate, log = Gate(), []
    engine.submit(ear.job(long_step(engine, gate, log), Priority.BACKGROUND))
    for click in ("first", "second", "third"):
        gate.wait_until_reached()
        engine.submit(ear.job(lambda click=click: log.append(click)))
        gate.open()
    window.wait_for(lambda: "long" in ear.results)
    assert log == ["first", 0, "second", 1, "third", 2]


def test_an_error_within_another_jobs_step_is_its_own(engine, ear, window):
    gate, log = Gate(), []
    engine.submit(ear.job(long_step(engine, gate, log), Priority.BACKGROUND))
    gate.wait_until_reached()
    engine.submit(ear.job(lambda: 1 // 0))
    gate.open(3)
    window.wait_for(lambda: ear.results)
    assert [type(error) for error in ear.errors] == [ZeroDivisionError]
    assert (ear.results, log) == (["long"], [0, 1, 2])


def test_a_long_step_that_is_late_ends_in_its_midst(engine, ear, window, caplog):
    gate, log, is_late = Gate(), [], [False]
    work = long_step(engine, gate, log)
    engine.submit(ear.job(work, Priority.BACKGROUND, is_late=lambda: is_late[0]))
    gate.wait_until_reached()
    is_late[0] = True
    gate.open(3)
    engine.submit(ear.job(lambda: "next", Priority.BACKGROUND))
    window.wait_for(lambda: ear.results == ["next"])
    assert (log, gate.calls) == ([], 1)
    assert ear.errors == []
    assert caplog.text == ""


def test_stop_does_not_wait_for_the_end_of_a_long_step(window, ear):
    engine = EngineThread(window.deliver)
    gate, log = Gate(), []
    engine.submit(ear.job(long_step(engine, gate, log)))
    gate.wait_until_reached()
    assert not engine.stop(timeout=0)
    gate.open()
    assert engine.stop()
    assert (log, gate.calls) == ([], 1)


def test_breathing_outside_of_jobs_does_nothing(engine):
    engine.breathe()


def test_two_runs_take_turns(engine, ear, window):
    gate, log = hold(engine, ear), []

    def work(letter):
        for _ in range(3):
            log.append(letter)
            yield

    for letter in "ab":
        engine.submit(ear.job(lambda letter=letter: work(letter), Priority.BACKGROUND))
    gate.open()
    window.wait_for(lambda: len(ear.results) == 3)
    assert "".join(log) == "ababab"


def test_an_error_is_handed_over_with_its_traceback(engine, ear, window):
    def fail():
        raise ValueError("broken")

    engine.submit(ear.job(fail))
    window.wait_for(lambda: ear.errors)
    (error,) = ear.errors
    assert str(error) == "broken"
    assert error.__traceback__ is not None
    assert engine.is_alive
    engine.submit(ear.job(lambda: "still here"))
    window.wait_for(lambda: ear.results == ["still here"])


def test_an_error_in_the_middle_comes_after_the_steps_before_it(engine, ear, window):
    heard = []

    def work():
        yield 1
        yield 2
        raise ValueError("broken")

    engine.submit(
        Job(work, Priority.PROMPT, heard.append, heard.append, on_steps=heard.extend)
    )
    window.wait_for(lambda: len(heard) == 3)
    assert heard[:2] == [1, 2]
    assert isinstance(heard[2], ValueError)


def test_what_is_late_before_it_began_is_never_begun(engine, ear, window):
    gate, log = hold(engine, ear), []
    latest = [1]
    for number in (1, 2):
        engine.submit(
            ear.job(
                lambda number=number: log.append(number),
                is_late=lambda number=number: number != latest[0],
            )
        )
    latest[0] = 2
    gate.open()
    window.wait_for(lambda: len(ear.results) == 2)
    assert log == [2]


def test_an_answer_that_becomes_late_after_it_was_found_is_dropped(engine, ear, window):
    is_late = [False]
    engine.submit(ear.job(lambda: "old", is_late=lambda: is_late[0]))
    (delivery,) = window.take_deliveries(1)
    is_late[0] = True
    delivery()
    assert ear.results == []


def test_a_late_generator_is_closed_on_the_engines_thread(engine, ear, window):
    is_late, closed_on = [False], []

    def work():
        try:
            while True:
                yield "step"
        finally:
            closed_on.append(threading.get_ident())

    engine.submit(ear.job(work, is_late=lambda: is_late[0]))
    window.wait_for(lambda: ear.steps)
    is_late[0] = True
    wait_until(lambda: closed_on)
    assert closed_on != [threading.get_ident()]
    assert ear.results == ear.errors == []


def test_steps_of_a_late_job_are_told_since_they_have_happened(engine, ear, window):
    is_late = [False]
    gate = Gate()
    engine.submit(ear.job(counting(2, gate=gate), is_late=lambda: is_late[0]))
    gate.wait_until_reached()
    is_late[0] = True
    gate.open()
    window.wait_for(lambda: ear.steps)
    assert ear.steps == [[0]]


def test_an_error_that_nobody_wants_is_still_in_the_log(engine, ear, window, caplog):
    is_late = [False]

    def fail():
        raise ValueError("broken, but late")

    engine.submit(ear.job(fail, is_late=lambda: is_late[0]))
    (delivery,) = window.take_deliveries(1)
    is_late[0] = True
    with caplog.at_level(logging.WARNING):
        delivery()
    assert ear.errors == []
    assert "broken, but late" in caplog.text


def test_a_generator_that_does_not_end_cleanly_does_not_end_the_thread(
    engine, ear, window, caplog
):
    is_late = [False]

    def work():
        try:
            while True:
                yield "step"
        finally:
            raise ValueError("disk full")

    engine.submit(ear.job(work, is_late=lambda: is_late[0]))
    window.wait_for(lambda: ear.steps)
    is_late[0] = True
    engine.submit(ear.job(lambda: "next", Priority.BACKGROUND))
    window.wait_for(lambda: ear.results == ["next"])
    assert "disk full" in caplog.text


def test_a_window_that_is_gone_does_not_end_the_thread(ear, caplog):
    heard = []

    def deliver(function):
        heard.append(function)
        raise RuntimeError("the window was deleted")

    engine = EngineThread(deliver)
    engine.submit(ear.job(lambda: None))
    engine.submit(ear.job(lambda: None))
    wait_until(lambda: len(heard) == 2)
    assert engine.stop()
    assert "the window was deleted" in caplog.text


def test_stop_waits_for_the_step_and_closes_what_is_left(window, ear):
    engine = EngineThread(window.deliver)
    closed, gate = [], Gate()

    def work():
        try:
            yield 1
            gate()
            yield 2
        finally:
            closed.append(True)

    engine.submit(ear.job(work, Priority.BACKGROUND))
    gate.wait_until_reached()
    engine.submit(ear.job(lambda: "never"))
    assert not engine.stop(timeout=0.01)
    assert closed == []
    gate.open()
    assert engine.stop()
    assert closed == [True]
    window.make_deliveries()
    assert ear.results == ear.errors == ear.steps == []


def test_after_stop_nothing_is_done_and_nothing_is_delivered(window, ear):
    engine = EngineThread(window.deliver)
    engine.submit(ear.job(lambda: "found"))
    (delivery,) = window.take_deliveries(1)
    assert engine.stop()
    delivery()
    engine.submit(ear.job(lambda: "never"))
    assert engine.stop()
    assert ear.results == []
    assert not engine.is_alive


def test_stop_before_anything_was_submitted(window):
    assert EngineThread(window.deliver).stop()


def test_a_job_may_stop_its_own_engine(window, ear):
    engine = EngineThread(window.deliver)
    engine.submit(ear.job(engine.stop))
    wait_until(lambda: not engine.is_alive)


def test_the_caller_is_never_blocked_while_the_engine_works(engine, ear, window):
    """A heartbeat: no call of the window's thread waits for a job that runs."""
    gate = hold(engine, ear)
    longest = 0.0
    for _ in range(200):
        start = time.perf_counter()
        engine.submit(ear.job(lambda: None, Priority.BACKGROUND))
        window.make_deliveries()
        longest = max(longest, time.perf_counter() - start)
    gate.open()
    window.wait_for(lambda: len(ear.results) == 201)
    # Who waits for the job waits until it gives up its gate.
    assert longest < PATIENCE / 4


def test_many_callers_at_once_lose_nothing(engine, ear, window):
    def submit_many():
        for number in range(100):
            engine.submit(ear.job(lambda: None, Priority(number % 3)))

    callers = [threading.Thread(target=submit_many) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    window.wait_for(lambda: len(ear.results) == 400)


def test_two_engines_do_not_wait_for_each_other(engine, ear, window):
    other = EngineThread(window.deliver)
    gate = hold(engine, ear)
    other.submit(ear.job(lambda: "other"))
    window.wait_for(lambda: ear.results)
    assert ear.results == ["other"]
    gate.open()
    assert other.stop()


def test_an_engine_that_was_forgotten_ends_with_the_program():
    code = """
import time
from napari_sam.threads.engine_thread import EngineThread, Job, Priority

def work():
    try:
        while True:
            time.sleep(0.001)
            yield
    finally:
        print("closed")

engine = EngineThread(lambda function: function())
told = []
engine.submit(Job(work, Priority.PROMPT, print, print, on_steps=told.append))
while not told:
    time.sleep(0.001)
"""
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert run.stdout == "closed\n"
    assert run.stderr == ""
