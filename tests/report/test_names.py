from __future__ import annotations

from isomorph.report._names import printable, short_labels, slugs


def test_labels_are_as_short_as_is_clear():
    names = ["timm/vit.a", "timm/vit.b", "bundled/pixels", "timm/pixels", "bundled/resnet.x", "bundled/resnet.x"]
    assert short_labels(names) == {
        "timm/vit.a": "vit.a",
        "timm/vit.b": "vit.b",
        "bundled/pixels": "bundled/pixels",
        "timm/pixels": "timm/pixels",
        "bundled/resnet.x": "resnet",
    }


def test_slugs_are_harmless_and_different():
    found = slugs(["../../etc", "..//../ETC", "<script>", "日本", "", "a" * 300])
    assert len(set(found.values())) == len(found)
    assert all(set(each) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") and len(each) < 60 for each in found.values())


def test_control_characters_are_shown_as_such():
    assert printable("a\x00b\nc") == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}c"
