"""The file of a session, and the offer of an earlier one."""

from __future__ import annotations

import pytest

from napari_sam.views.session_box import SessionBox

pytestmark = pytest.mark.gui


@pytest.fixture
def dialog() -> dict:
    return {"answer": None, "asked": []}


@pytest.fixture
def box(qtbot, dialog):
    def choose(_parent, *asked):
        dialog["asked"].append(asked)
        return dialog["answer"]

    widget = SessionBox(choose_file=choose, choose_file_to_open=choose)
    qtbot.addWidget(widget)
    with qtbot.waitExposed(widget):
        widget.show()
    return widget


def test_the_name_is_shown_and_the_whole_path_is_told_on_demand(box):
    assert box.place.text() == "Not saved yet"

    box.set_place("/data/slides/mouse.sam.json")
    assert box.place.text() == "mouse.sam.json"
    assert box.place.toolTip() == "/data/slides/mouse.sam.json"

    box.set_place(None)
    assert box.place.text() == "Not saved yet"


def test_a_long_name_makes_the_box_no_wider(box):
    before = box.minimumSizeHint().width()

    box.set_place("/data/" + 40 * "a long name " + ".sam.json")

    assert box.minimumSizeHint().width() == before


def test_an_offer_is_there_until_it_is_dismissed(box, qtbot):
    assert not box.offer.isVisible()

    box.set_offer("12 objects from 14:03 on 3 May")
    assert box.offer.isVisible()
    assert box.offer_text.text() == "12 objects from 14:03 on 3 May"

    with qtbot.waitSignal(box.offer_dismissed):
        box.dismiss.click()
    assert not box.offer.isVisible()


def test_a_restore_is_only_asked_for(box, qtbot):
    box.set_offer("12 objects from 14:03 on 3 May")

    with qtbot.waitSignal(box.restore_requested):
        box.restore.click()

    # Whoever restores takes the offer away: it may fail and be tried again.
    assert box.offer.isVisible()


@pytest.mark.parametrize("answer", ["/data/cells", "/data/cells.sam.json"])
def test_a_saved_session_has_its_suffix(box, dialog, qtbot, answer):
    box.set_name("mouse brain")
    dialog["answer"] = answer

    with qtbot.waitSignal(box.save_requested) as requested:
        box.save.click()

    assert requested.args == ["/data/cells.sam.json"]
    assert dialog["asked"] == [
        ("Save session as", "mouse brain.sam.json", "Sessions (*.sam.json)")
    ]


def test_dialogs_begin_where_the_session_lies(box, dialog, qtbot):
    box.set_place("/data/a.sam.json")
    dialog["answer"] = "/data/b.sam.json"

    with qtbot.waitSignal(box.open_requested) as requested:
        box.open.click()
    with qtbot.waitSignal(box.save_requested):
        box.save.click()

    assert requested.args == ["/data/b.sam.json"]
    assert [start for _, start, _ in dialog["asked"]] == 2 * ["/data/a.sam.json"]


def test_a_closed_dialog_does_nothing(box, qtbot):
    with (
        qtbot.assertNotEmitted(box.open_requested),
        qtbot.assertNotEmitted(box.save_requested),
    ):
        box.open.click()
        box.save.click()
