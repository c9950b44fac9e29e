"""From a plan to the same plan, arranged, captioned and balanced. The one rule: each adds a column, nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from animeds_db.captions import CaptionProfile
from animeds_db.steps.arrange import Arrangement, arranged, wanted_columns
from animeds_db.steps.balance import Balance, balanced
from animeds_db.steps.captions import captioned

if TYPE_CHECKING:
    from animeds_db.session import Session


@dataclass(frozen=True)
class Shape:
    """Folders, captions and repeats of an export."""

    captions: CaptionProfile | None = field(default_factory=CaptionProfile)
    """None: pictures have only the captions of the selection."""
    arrangement: Arrangement = field(default_factory=Arrangement)
    balance: Balance | None = None
    """None: repeats as the selection says."""

    def columns(self, known: Sequence[str]) -> list[str]:
        """Return the columns of a selection that this needs. Raises UsageError for one that is not there."""
        return wanted_columns(self.arrangement.form, known)

    def apply(self, session: Session, plan: pa.Table, selection: pa.Table) -> pa.Table:
        """Return the plan (export.PLAN) with its folders, captions and repeats."""
        if plan.num_rows == 0:
            return plan
        threshold = 0.35 if self.captions is None else self.captions.thresholds.get("general", 0.35)
        plan = arranged(session, plan, selection, self.arrangement, threshold=threshold)
        if self.captions is not None:
            plan = captioned(session, plan, self.captions)
        return plan if self.balance is None else balanced(plan, self.balance)[0]
