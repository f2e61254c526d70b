"""Points in time: as the wire writes them, as nanoseconds, and inside ids of version 7.

Every time is kept as one text of a fixed width in UTC, so that texts compare as times do.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Final

from evalspan.errors import UsageError
from evalspan.ingest.batch import MAX_NS

_FORM: Final = "%Y-%m-%dT%H:%M:%S.%fZ"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_VERSION: Final = 7


def of_id(identity: str) -> int:
    """When an id of version 7 was made, in nanoseconds."""
    return max(1, (uuid.UUID(identity).int >> 80) * 1_000_000)


def timed(identity: str, pointer: str) -> str:
    """An id of version 7 in its usual form.

    Raises:
        UsageError: it is none. Its time orders trials, and stands in for a start that has not come yet.
    """
    try:
        found = uuid.UUID(identity)
    except ValueError:
        found = None
    if found is None or found.version != _VERSION or of_id(str(found)) > MAX_NS:
        raise UsageError(f"{identity[:80]!r} is not a UUID of version 7.", pointer=pointer)
    return str(found)


def text(moment: datetime, pointer: str = "") -> str:
    """Raises UsageError before 1970 and after 2262, where no column can hold it."""
    whole = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not 0 < _nanoseconds(whole) <= MAX_NS:
        raise UsageError(f"{moment.isoformat()!r} is not between 1970 and 2262.", pointer=pointer)
    return whole.strftime(_FORM)


def nanoseconds(written: str) -> int:
    """What `text` wrote."""
    return _nanoseconds(datetime.strptime(written, _FORM).replace(tzinfo=UTC))


def of_nanoseconds(number: int) -> str:
    """As `text`, to the microsecond below."""
    return datetime.fromtimestamp(number // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + (
        f"{number // 1000 % 1_000_000:06d}Z"
    )


def _nanoseconds(moment: datetime) -> int:
    since = moment - _EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1000
