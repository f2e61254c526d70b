"""What the clients run: four records, one answered wrongly, one not at all; a call of a model each."""

RECORDS = [
    ({"country": "Kenya"}, {"city": "Nairobi"}),
    ({"country": "Peru"}, {"city": "Lima"}),
    ({"country": "Australia"}, {"city": "Canberra"}),
    ({"country": "Atlantis"}, {"city": "Poseidonis"}),
]
MODEL, PROVIDER = "gpt-4o-mini", "openai"
RUNS = 2
_KNOWN = {"Kenya": "Nairobi", "Peru": "Lima", "Australia": "Sydney"}


def answer(country):
    """The model's answer, and the tokens that it took."""
    if country not in _KNOWN:
        raise LookupError(f"no country {country}")
    return {"city": _KNOWN[country]}, {"input": 20 + len(country), "output": 3}


def exact_match(output, expected):
    return float(output["city"] == expected["city"])
