from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import tilesam
from tilesam.cli import main
from tilesam.testing.models import tiny_random_model

HEADER = "split,domain,image,labels,height,width,instances,source,licence"


@pytest.fixture(autouse=True)
def stand_in_model(monkeypatch):
    model = tiny_random_model(0, input_size=256)
    monkeypatch.setitem(vars(tilesam), "load_model", lambda *_, **__: model)


@pytest.fixture
def data(tmp_path):
    """Write three images of each of three domains, with four squares in each."""
    lines = [HEADER]
    for number in range(9):
        domain = "abc"[number % 3]
        labels = np.zeros((256, 256), np.uint8)
        for label in range(1, 5):
            y, x = 40 + 80 * (label // 3), 40 + 60 * (label % 3)
            labels[y : y + 40, x : x + 40] = label
        image = np.where(labels > 0, 60 * (1 + "abc".index(domain)), 20)
        for array, suffix in ((image.astype(np.uint8), ""), (labels, ".labels")):
            Image.fromarray(array).save(tmp_path / f"{number}{suffix}.png")
        place = f"{number}.png,{number}.labels.png"
        lines.append(f"val,{domain},{place},256,256,4,made,CC0")
    (tmp_path / "manifest.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def run(*arguments):
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in ("evaluate", "similar", *arguments)])
    return caught.value.code


def test_figures_of_each_domain(data, capfd):
    file = data / "similar.json"
    assert run("--data", data, "--mosaics", 1, "--seed", 5, "--json", file) == 0
    out = capfd.readouterr().out
    assert "AP of similar objects" in out
    assert "of other images alone" in out
    document = json.loads(file.read_text())
    assert [domain["domain"] for domain in document["domains"]] == [*"abc"]
    assert len(document["objects"]) == 36
    mean = document["mean_over_domains"]
    assert mean["similar_chance"] == pytest.approx(11 / 35)
    own = [domain["scores"]["similar"] for domain in document["domains"]]
    assert mean["similar_chance"] < mean["similar"] == pytest.approx(np.mean(own))
    provenance = document["provenance"]
    assert (provenance["seed"], provenance["token_weight"]) == (5, 0.2)


def test_too_few_domains_are_told(data, capfd):
    text = (data / "manifest.csv").read_text().replace(",c,", ",b,")
    (data / "manifest.csv").write_text(text)
    assert run("--data", data) == 1
    assert "expected 3 such domains" in capfd.readouterr().err.replace("\n", " ")
