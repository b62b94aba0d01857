from __future__ import annotations

import csv

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from tests.engine.export.segmentations import disks, from_crops
from tilesam.everything.table import Status
from tilesam.export import table_csv
from tilesam.export.table_csv import write_table_csv


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("rows_at_once", [1, 7, 1000])
def test_every_column_comes_back_as_it_was(tmp_path, monkeypatch, rows_at_once):
    monkeypatch.setattr(table_csv, "ROWS_AT_ONCE", rows_at_once)
    segmentation = disks(40, statuses=[Status.KEPT] * 30 + [Status.FRAGMENT] * 10)
    write_table_csv(tmp_path / "a.csv", segmentation)
    rows = read(tmp_path / "a.csv")
    columns = segmentation.table.columns()
    assert list(rows[0]) == list(columns)
    for name, column in columns.items():
        found = np.array([float(row[name]) for row in rows])
        assert_array_equal(found.astype(column.dtype), column)


def test_what_is_no_number_is_left_empty(tmp_path):
    segmentation = disks(2)
    segmentation.table.predicted_iou[1] = np.nan
    write_table_csv(tmp_path / "a.csv", segmentation)
    assert read(tmp_path / "a.csv")[1]["predicted_iou"] == ""


def test_nothing_found_is_a_line_of_names(tmp_path):
    write_table_csv(tmp_path / "a.csv", from_crops([], [], (4, 4)))
    (line,) = (tmp_path / "a.csv").read_text().splitlines()
    assert line.startswith("label,status,area,")
