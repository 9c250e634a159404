"""Examples of TensorFlow: a message that its own library wrote, one of ours, and bytes that lie."""

import numpy as np
import pytest

from isomorph.stimuli._tf_example import ExampleError, byte_values, features, whole_values

# tf.train.Example(…).SerializeToString(deterministic=True) of TensorFlow 2.20
OF_TENSORFLOW = bytes.fromhex(
    "0a9d010a140a0462626f78120c120a0a080000803e0000003f0a250a0966696c655f6e616d6512180a160a146e30323132333034355f31303035322e4a504547"
    "0a170a05696d616765120e0a0c0a0affd8ff20706978656c730a0f0a056c6162656c12061a040a0299020a2a0a046d616e7912221a200a1effffffffffffffff"
    "ff0100ffffffffffffffff7f808080808080808080010a080a046e6f6e651200"
)


def test_what_tensorflow_wrote():
    held = features(OF_TENSORFLOW)
    assert sorted(held) == ["bbox", "file_name", "image", "label", "many", "none"]
    assert byte_values(held["file_name"]) == [b"n02123045_10052.JPEG"]
    assert byte_values(held["image"]) == [b"\xff\xd8\xff pixels"]
    assert whole_values(held["label"]) == [281]
    assert whole_values(held["many"]) == [-1, 0, 2**63 - 1, -(2**63)]
    assert byte_values(held["none"]) == whole_values(held["none"]) == []
    assert byte_values(held["label"]) == whole_values(held["image"]) == []


def test_numbers_one_by_one_and_unknown_fields():
    feature = b"\x1a\x04\x08\x07\x08\x09"  # not packed
    entry = b"\x0a\x01a\x12" + bytes([len(feature)]) + feature + b"\x18\x01"  # and a field that nobody knows
    inner = b"\x0a" + bytes([len(entry)]) + entry + b"\x15abcd\x11abcdefgh"
    assert whole_values(features(b"\x0a" + bytes([len(inner)]) + inner)["a"]) == [7, 9]
    assert features(b"") == {}


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (b"\x0a\x05abc", "field 1 claims 5 bytes where 3 are left"),
        (b"\x0a" + b"\xff" * 9 + b"\x01", "field 1 claims 18,446,744,073,709,551,615 bytes where 0 are left"),
        (b"\x0a" + b"\xff" * 10, "a number does not end"),
        (b"\x0a", "a number does not end"),
        (b"\x0b", "field 1 has the unknown kind 3"),
        (b"\x09abc", "field 1 claims 8 bytes where 3 are left"),
        (b"\x0a\x07\x0a\x05\x0a\x01\xff\x12\x00", "a feature's name is not UTF-8: b'\\xff'"),
    ],
)
def test_bytes_that_lie(record, why):
    with pytest.raises(ExampleError) as caught:
        features(record)
    assert str(caught.value) == why


def test_flipped_and_cut_bytes_are_read_or_refused():
    rng, refused = np.random.default_rng(0), 0
    for _ in range(2000):
        spoilt = bytearray(OF_TENSORFLOW[: rng.integers(1, len(OF_TENSORFLOW) + 1)])
        for at in rng.integers(0, len(spoilt), size=2):
            spoilt[at] = rng.integers(0, 256)
        try:
            for held in features(bytes(spoilt)).values():
                byte_values(held), whole_values(held)
        except ExampleError:
            refused += 1
    assert 500 < refused < 2000
