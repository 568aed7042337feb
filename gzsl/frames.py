"""Tables of results as pandas frames; pandas is asked for only when a frame is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gzsl.errors import GzslError

if TYPE_CHECKING:
    import pandas


def frame(rows: Sequence[Mapping[str, Any]], index: str | None = None) -> pandas.DataFrame:
    """Rows of plain values as a frame, one column a key.

    Parameters
    ----------
    rows : sequence of mapping
        With the same keys.
    index : str, optional
        Key that names the rows.

    Raises
    ------
    GzslError
        Where pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise GzslError("to_frame: found no pandas, expected it to be installed: pip install pandas") from None
    made = pandas.DataFrame([dict(row) for row in rows])
    return made if index is None or not len(made) else made.set_index(index)
