from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tilesam.embedding.job import TileOutcome
from tilesam.embedding.work_list import WorkList
from tilesam.types import TileKey

PLAN = [TileKey(0, 0, ix) for ix in range(40)]


def drain(work):
    taken = []
    while (key := work.take()) is not None:
        taken.append(key)
    return taken


def test_missing_tiles_come_before_stored_ones_both_in_their_order():
    work = WorkList(PLAN, set(PLAN[1::2]))
    assert len(work) == 40
    assert drain(work) == PLAN[::2] + PLAN[1::2]
    assert work.missing_at_start == frozenset(PLAN[::2])


def test_what_is_given_back_comes_next():
    work = WorkList(PLAN, set())
    taken = [work.take() for _ in range(3)]
    work.give_back(taken)
    assert drain(work) == PLAN


def test_only_a_tile_that_was_missing_can_be_done_by_others():
    work = WorkList(PLAN, {PLAN[5]})
    assert work.is_done_by_others(TileOutcome(PLAN[4], "present"))
    assert not work.is_done_by_others(TileOutcome(PLAN[4], "embedded"))
    assert not work.is_done_by_others(TileOutcome(PLAN[5], "present"))


def test_moving_away_leaves_what_others_did_for_the_end():
    work = WorkList(PLAN, set())
    work.take()
    work.move_away(set(PLAN[1:5]))
    assert not work.is_done_by_others(TileOutcome(PLAN[1], "present"))
    order = drain(work)
    assert order[0] == PLAN[27]  # 0.618 of 35 further on
    assert order[-4:] == PLAN[1:5]


@given(
    st.lists(
        st.one_of(
            st.just("take"),
            st.integers(1, 5).map(lambda count: ("give back", count)),
            st.sets(st.sampled_from(PLAN)).map(lambda keys: ("move", keys)),
        )
    )
)
def test_no_tile_is_lost_or_doubled(steps):
    work = WorkList(PLAN, set(PLAN[30:]))
    done, stored = [], set(PLAN[30:])
    for step in steps:
        if step == "take":
            key = work.take()
            done += [] if key is None else [key]
        elif step[0] == "give back":
            back = done[-step[1] :]
            del done[-step[1] :]
            work.give_back(back)
        else:
            stored |= step[1]
            work.move_away(stored)
    assert sorted(done + drain(work)) == PLAN
    assert len(work) == 0
