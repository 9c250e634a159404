"""All pairs of many systems, in one pass over row stripes of their Gram matrices."""
