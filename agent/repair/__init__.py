"""What can be put right without asking a model.

`repair` does what the check makes certain. The `with_...` and `without_...` functions change a program that failed when
it was run: what they return is tried, and kept if it then runs; those that leave something out come last.
"""

from agent.repair.certain import Repaired, repair
from agent.repair.left_out import LeftOut, without_refused, without_unfit
from agent.repair.left_statements import without_failed, without_missing
from agent.repair.missing_members import with_missing_member
from agent.repair.missing_methods import without_missing_method
from agent.repair.outer_products import with_outer_product
from agent.repair.rows import Arguments, documented, with_as_many_rows, with_rows, with_single_rows
from agent.repair.whole_numbers import with_whole_numbers

__all__ = [
    "Arguments",
    "LeftOut",
    "Repaired",
    "documented",
    "repair",
    "with_as_many_rows",
    "with_missing_member",
    "with_outer_product",
    "with_rows",
    "with_single_rows",
    "with_whole_numbers",
    "without_failed",
    "without_missing",
    "without_missing_method",
    "without_refused",
    "without_unfit",
]
