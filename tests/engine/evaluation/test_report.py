from __future__ import annotations

import json

from tilesam.evaluation.metrics import DomainScore, ObjectScore, Summary
from tilesam.evaluation.report import Provenance, table, to_document, to_markdown

SUMMARY = Summary(
    domains=[
        DomainScore("cells", 2, 7, {"point": 0.5, "oracle": 0.75}),
        DomainScore("roofs", 1, 3, {"point": 0.25, "oracle": 0.5}),
    ],
    mean={"point": 0.375, "oracle": 0.625},
)
PROVENANCE = Provenance("points", "tiny", "ab" * 32, 512, "data", "val", None, 5)


def test_markdown_by_hand():
    assert to_markdown(SUMMARY) == (
        "| domain | images | objects | 1 point | 1 point, best of 3 |\n"
        "| --- | ---: | ---: | ---: | ---: |\n"
        "| cells | 2 | 7 | 0.500 | 0.750 |\n"
        "| roofs | 1 | 3 | 0.250 | 0.500 |\n"
        "| mean over domains | 3 | 10 | 0.375 | 0.625 |\n"
    )


def test_unknown_measures_keep_their_names():
    summary = Summary([DomainScore("a", 1, 1, {"recall": 1.0})], {"recall": 1.0})
    header, _ = table(summary)
    assert header == ["domain", "images", "objects", "recall"]


def test_document_survives_json():
    row = ObjectScore("cells", "cells/1", 0, 4, 99, {"point": 0.5, "oracle": 0.75})
    document = json.loads(json.dumps(to_document(SUMMARY, PROVENANCE, [row])))
    assert document["provenance"]["objects_per_image"] == 5
    assert document["mean_over_domains"] == {"point": 0.375, "oracle": 0.625}
    assert document["domains"][1]["scores"]["oracle"] == 0.5
    assert document["objects"] == [
        {
            "domain": "cells",
            "image": "cells/1",
            "layer": 0,
            "object_id": 4,
            "area": 99,
            "scores": {"point": 0.5, "oracle": 0.75},
        }
    ]
