"""A tree as a WHERE condition of parametrised ClickHouse SQL.

Values and map keys only ever become bound parameters; columns come from the table of fields. Logic
has two values: a condition on what is absent is false, and NOT of it is true.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any as Anything

from evalspan.analysis.fields import EVALUATION, Kind, Level, Names, Target, target
from evalspan.analysis.syntax import QueryError
from evalspan.analysis.tree import All, Any, Comparison, Exists, Node, Not, Pattern, Range, Term, Wild

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_DURATION = re.compile(rf"({_NUMBER.pattern})(ns|us|ms|s|m|h)?")
_MILLISECONDS = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, None: 1.0, "s": 1e3, "m": 6e4, "h": 3.6e6}
_BOOLEANS = {"true": 1.0, "false": 0.0}
_FREE = ("input", "output", "expected_output", "error")


@dataclass(frozen=True)
class Condition:
    sql: str
    parameters: dict[str, Anything]
    level: Level


def translate(query: str, node: Node, names: Names) -> Condition:
    """The condition that a query means in an experiment that has these names.

    Raises:
        QueryError: no such field or name, a value that does not fit its field, or run-averaged and
            plain fields in one query.
    """
    writer = _Writer(query, names)
    sql = writer.node(node)
    return Condition(sql, writer.parameters, Level.RECORD if Level.RECORD in writer.seen else Level.RUN)


@dataclass
class _Writer:
    query: str
    names: Names
    parameters: dict[str, Anything] = field(default_factory=dict[str, Anything])
    seen: dict[Level, Term] = field(default_factory=dict[Level, Term])

    def node(self, node: Node) -> str:
        match node:
            case Term():
                return self.term(node)
            case Not(item):
                return f"NOT ({self.node(item)})"
            case All(()):
                return "1"
            case All(items):
                return "(" + " AND ".join(map(self.node, items)) + ")"
            case Any(items):
                return "(" + " OR ".join(map(self.node, items)) + ")"

    def term(self, term: Term) -> str:
        if term.field is None:
            if isinstance(term.test, Exists):
                return "1"
            self.note(Level.RUN, term)
            pattern = self.bind(_like(self.pattern(term), anywhere=True), "String")
            return "(" + " OR ".join(f"{column} ILIKE {pattern}" for column in _FREE) + ")"
        try:
            found = target(term.field, self.names)
        except LookupError as error:
            raise self.refusal(term, str(error.args[0])) from None
        if found.level is not None:
            self.note(found.level, term)
        # Which view it will be is known at the end only; fields of both are written the same in both.
        sql = found.column.record if found.level is Level.RECORD else found.column.run
        match found.column.kind:
            case Kind.NUMBER | Kind.DURATION:
                return self.number(term, found, sql)
            case Kind.SCORE:
                return self.score(term, found)
            case Kind.TAGS:
                return self.tag(term, found.key)
            case Kind.MAPPED:
                return self.mapped(term, sql, found.key)
            case _:
                return self.text(term, found, sql)

    def number(self, term: Term, found: Target, sql: str) -> str:
        column = f"{sql}[{self.bind(found.key, 'String')}]" if found.key else sql
        if isinstance(term.test, Exists):
            return f"isNotNull({column})"
        return f"ifNull({self.compared(term, column, found.column.kind)}, 0)"

    def compared(self, term: Term, column: str, kind: Kind) -> str:
        """A numeric test, which may be NULL."""

        def bound(text: str) -> str:
            return self.bind(self.amount(term, text, kind), "Float64")

        match term.test:
            case Comparison(operator, text):
                return f"{column} {operator} {bound(text)}"
            case Range(low, high, with_low, with_high):
                ends = [f"isNotNull({column})"]
                if low is not None:
                    ends.append(f"{column} {'>=' if with_low else '>'} {bound(low)}")
                if high is not None:
                    ends.append(f"{column} {'<=' if with_high else '<'} {bound(high)}")
                return "(" + " AND ".join(ends) + ")"
            case Pattern() as pattern:
                text = pattern.literal
                if text is None:
                    raise self.refusal(term, f"{term.field} is a number; wildcards fit texts only.")
                return f"{column} = {bound(text)}"
            case Exists():
                return f"isNotNull({column})"

    def score(self, term: Term, found: Target) -> str:
        """Of an evaluator that gives a number and a category: whichever the test can be about."""
        if isinstance(term.test, Exists):
            return f"({self.number(term, found, 'scores')} OR {self.text(term, found, 'labels')})"
        if isinstance(term.test, Pattern):
            text = term.test.literal
            if text is None or not (_NUMBER.fullmatch(text) or text in _BOOLEANS):
                return self.text(term, found, "labels")
        return self.number(term, found, "scores")

    def text(self, term: Term, found: Target, sql: str) -> str:
        kind = found.column.kind
        present = f"{sql} != ''"
        if found.key:
            key = self.bind(found.key, "String")
            present, sql = f"mapContains({sql}, {key})", f"{sql}[{key}]"
        if isinstance(term.test, Exists):
            return present
        pattern = self.pattern(term)
        if kind is Kind.CHOICE and pattern.literal not in found.column.choices:
            raise self.refusal(term, f"{term.field} is one of {', '.join(found.column.choices)}.")
        if kind is Kind.SEARCHED:
            found_in = f"{sql} ILIKE {self.bind(_like(pattern, anywhere=True), 'String')}"
            return f"({present} AND {found_in})" if found.key else found_in
        return f"ifNull({self.matched(sql, pattern)}, 0)"

    def mapped(self, term: Term, sql: str, key: str) -> str:
        """A value of metadata: numbers are compared as numbers, everything else as text."""
        bound_key = self.bind(key, "String")
        present, value = f"mapContains({sql}, {bound_key})", f"{sql}[{bound_key}]"
        match term.test:
            case Exists():
                return present
            case Pattern() as pattern:
                return f"({present} AND {self.matched(value, pattern)})"
            case _:
                compared = self.compared(term, f"toFloat64OrNull({value})", Kind.NUMBER)
                return f"ifNull({compared}, 0)"

    def tag(self, term: Term, key: str) -> str:
        prefix = (f"{key}:",) if key else ()
        if isinstance(term.test, Exists):
            pattern = Pattern((*prefix, Wild.ANY))
        else:
            pattern = Pattern((*prefix, *self.pattern(term).parts))
        if (text := pattern.literal) is not None:
            return f"has(tags, {self.bind(text, 'String')})"
        return f"arrayExists(t -> {self.matched('t', pattern)}, tags)"

    def matched(self, sql: str, pattern: Pattern) -> str:
        if (text := pattern.literal) is not None:
            return f"{sql} = {self.bind(text, 'String')}"
        return f"{sql} LIKE {self.bind(_like(pattern), 'String')}"

    def pattern(self, term: Term) -> Pattern:
        if not isinstance(term.test, Pattern):
            raise self.refusal(term, f"{term.field} is a text; comparisons and ranges fit numbers only.")
        return term.test

    def amount(self, term: Term, text: str, kind: Kind) -> float:
        if text in _BOOLEANS and EVALUATION in (term.field or ""):
            return _BOOLEANS[text]
        found = (_DURATION if kind is Kind.DURATION else _NUMBER).fullmatch(text)
        value = float(found[1 if kind is Kind.DURATION else 0]) if found else float("inf")
        if found is None or value in (float("inf"), float("-inf")):
            units = " (with ns, us, ms, s, m or h, else milliseconds)" if kind is Kind.DURATION else ""
            raise self.refusal(term, f"{term.field} is compared with a number{units}, not {text!r}.")
        return value * (_MILLISECONDS[found[2]] if kind is Kind.DURATION else 1.0)

    def bind(self, value: str | float, kind: str) -> str:
        name = f"q{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{kind}}}"

    def note(self, level: Level, term: Term) -> None:
        self.seen.setdefault(level, term)
        if len(self.seen) == 2:
            run, record = self.seen[Level.RUN], self.seen[Level.RECORD]
            raise self.refusal(
                term,
                f"{record.field} speaks of a record over all its runs, {run.field or 'a text'} of one run: "
                "one query asks for one of the two. Put @multi_run_avg. or @multi_run_mode. before every "
                "score and every measure, or before none.",
            )

    def refusal(self, term: Term, message: str) -> QueryError:
        return QueryError(self.query, term.position, message)


def _like(pattern: Pattern, *, anywhere: bool = False) -> str:
    """The pattern of a LIKE."""
    signs = {Wild.ANY: "%", Wild.ONE: "_"}
    text = "".join(
        signs[part] if isinstance(part, Wild) else re.sub(r"([%_\\])", r"\\\1", part)
        for part in pattern.parts
    )
    return f"%{text}%" if anywhere else text
