"""Files on disk, whatever is in them: whose they are, and how new ones take their place."""

from rtwin.files.ownership import (
    MARK,
    WHITE_MARK,
    check_name,
    check_not_input,
    check_regular,
    check_replaceable,
    check_results,
    is_same_file,
    made_by_rtwin,
    replace_folder,
    with_png_mark,
)
from rtwin.files.temporary import (
    appearing,
    is_temporary,
    replace_whole,
    sweep,
    target_of,
    temporary_beside,
)

__all__ = [
    "MARK",
    "WHITE_MARK",
    "appearing",
    "check_name",
    "check_not_input",
    "check_regular",
    "check_replaceable",
    "check_results",
    "is_same_file",
    "is_temporary",
    "made_by_rtwin",
    "replace_folder",
    "replace_whole",
    "sweep",
    "target_of",
    "temporary_beside",
    "with_png_mark",
]
