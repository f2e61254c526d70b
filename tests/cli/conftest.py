"""What tests of the commands share."""

from __future__ import annotations

from support.doctor import doctor

__all__ = ["doctor"]
