from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilesam.store import StoreContents
from tilesam.testing.store_suite import CONTENTS
from tilesam.types import ImageIdentity

IMAGE = CONTENTS.image

CHANGES = {
    "image_hw": {"image": replace(IMAGE, hw=(500, 300))},
    "image_dtype": {"image": replace(IMAGE, dtype="uint8")},
    "image_channel_count": {"image": replace(IMAGE, channel_count=3)},
    "channels": {"channels": (1, 0)},
    "fewer_channels": {"channels": (0,)},
    "normalization": {"normalization": {"limits": [[0.0, 1023.25], [7.25, 4095.0]]}},
    "no_normalization": {"normalization": {"limits": None}},
    "weights_sha256": {"weights_sha256": "5f" * 32},
    "plane": {"plane": (4,)},
    "input_size": {"input_size": 128},
    "stride": {"stride": 32},
    "preprocessing_version": {"preprocessing_version": 2},
    "embedding_shape": {"embedding_shape": (4, 8, 4)},
}

counts = st.integers(1, 2**31)
limits = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), max_size=3)
any_contents = st.builds(
    StoreContents,
    image=st.builds(
        ImageIdentity, st.tuples(counts, counts), st.sampled_from(["u1", "f8"]), counts
    ),
    channels=st.lists(st.integers(0, 99), max_size=3).map(tuple),
    plane=st.lists(st.integers(0, 99), max_size=3).map(tuple),
    normalization=st.builds(dict, limits=st.none() | limits),
    weights_sha256=st.text("0123456789abcdef", min_size=64, max_size=64),
    model_name=st.text(),
    input_size=counts,
    stride=counts,
    preprocessing_version=counts,
    embedding_shape=st.tuples(counts, counts, counts),
)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_the_digest_changes_with_every_field(change):
    changed = replace(CONTENTS, **change)
    assert changed.digest != CONTENTS.digest
    assert changed != CONTENTS


def test_every_field_is_among_those_changes():
    changed = {name for change in CHANGES.values() for name in change}
    assert changed == set(CONTENTS.to_plain()) - {"model_name"}


def test_the_name_of_the_model_is_for_people():
    renamed = replace(CONTENTS, model_name="the same weights")
    assert renamed.digest == CONTENTS.digest


def test_the_digest_is_the_same_in_every_version():
    # Should this fail, embeddings that people have stored are not found any more.
    assert CONTENTS.digest == "bf6c860b7dc4180f"


@given(contents=any_contents)
def test_plain_json_brings_it_back(contents):
    back = StoreContents.from_plain(json.loads(json.dumps(contents.to_plain())))
    assert back == contents
    assert back.digest == contents.digest
    assert hash(back) == hash(contents)


def test_pairs_of_limits_may_be_tuples():
    limits = CONTENTS.normalization["limits"]
    with_tuples = {"limits": tuple(tuple(pair) for pair in limits)}
    assert replace(CONTENTS, normalization=with_tuples) == CONTENTS


@pytest.mark.parametrize("name", sorted(CONTENTS.to_plain()))
def test_a_record_without_a_field_is_none(name):
    record = CONTENTS.to_plain()
    del record[name]
    with pytest.raises(KeyError):
        StoreContents.from_plain(record)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("image", None),
        ("image", {"hw": [1], "dtype": "u1", "channel_count": 1}),
        ("channels", 3),
        ("normalization", None),
        ("input_size", "many"),
        ("embedding_shape", [8, 4]),
    ],
)
def test_a_record_of_another_kind_is_none(name, value):
    with pytest.raises((TypeError, ValueError)):
        StoreContents.from_plain({**CONTENTS.to_plain(), name: value})


def test_it_knows_what_a_tile_takes():
    assert replace(CONTENTS, embedding_shape=(256, 64, 64)).tile_nbytes == 2 * 2**20
