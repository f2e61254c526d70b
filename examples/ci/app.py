"""The application that the check runs: replace it with yours."""

from __future__ import annotations

CAPITALS = {
    "China": "Beijing",
    "France": "Paris",
    "Japan": "Tokyo",
    "Kenya": "Nairobi",
    "Peru": "Lima",
}


def answer(question: str) -> str:
    """The capital of the country that the question names."""
    return next((city for country, city in CAPITALS.items() if country in question), "Unknown")
