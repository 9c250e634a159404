"""Self-supervised networks whose weights are on no hub."""

from __future__ import annotations

from isomorph.models._published import PublishedSource


class SslSource(PublishedSource):
    """The rows of `ssl.toml`: what a library builds, less its classifier."""

    source = "ssl"
