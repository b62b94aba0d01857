"""What commands write: plain JSON on stdout, progress nowhere near it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tilesam import OutputError, Window
from tilesam.cli.output import print_json, progress_bar, to_plain


def test_to_plain_on_values_written_by_hand():
    document = {
        "score": np.float32(0.5),
        "count": np.int64(3),
        "is_good": np.bool_(True),
        "missing": float("nan"),
        "rows": [np.array([1.5, np.inf]), (1, "a", None)],
        "window": Window(y0=1, x0=2, height=3, width=4),
        7: Path("a") / "b",
    }

    assert to_plain(document) == {
        "score": 0.5,
        "count": 3,
        "is_good": True,
        "missing": None,
        "rows": [[1.5, None], [1, "a", None]],
        "window": {"y0": 1, "x0": 2, "height": 3, "width": 4},
        "7": str(Path("a") / "b"),
    }


def test_to_plain_refuses_what_has_no_json_form():
    with pytest.raises(TypeError, match="no JSON form for a object"):
        to_plain({"a": [object()]})


def test_print_json_puts_one_document_on_stdout(capsys):
    print_json({"text": "[bold]not markup[/bold]" + "long " * 50, "n": 1})

    out, err = capsys.readouterr()
    assert json.loads(out)["text"].startswith("[bold]not markup[/bold]long")
    assert err == ""


def test_print_json_makes_the_folder_of_its_file(tmp_path, capsys):
    file = tmp_path / "new" / "report.json"

    print_json([1, 2], file=file)

    assert json.loads(file.read_text()) == [1, 2]
    assert capsys.readouterr() == ("", "")


def test_print_json_says_which_file_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(OutputError, match=r"cannot write .*report\.json"):
        print_json({}, file=tmp_path / "file" / "report.json")


@pytest.mark.parametrize("in_bytes", [False, True])
def test_progress_leaves_stdout_alone(capsys, in_bytes):
    with progress_bar("Working", in_bytes=in_bytes) as report:
        report(1, None)
        report(2, 2)

    assert capsys.readouterr().out == ""
