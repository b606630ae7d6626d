"""What many tasks of a family add up to; so far, the designs that are run to begin a pool."""

from dure.pool.generate import Summary, draw_settings, generate

__all__ = ["Summary", "draw_settings", "generate"]
