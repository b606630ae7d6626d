"""A question under way: plan, loop, stopping, checks, verdict, claims."""

from dure.campaign.claims import Claim, Query, claims_of, evaluate, shortened, standing
from dure.campaign.course import baseline_of, check_states, ranked, spent
from dure.campaign.driver import Campaign
from dure.campaign.loop import Loop, Wish
from dure.campaign.plan import Budget, make_plan, task_of

__all__ = [
    "Budget",
    "Campaign",
    "Claim",
    "Loop",
    "Query",
    "Wish",
    "baseline_of",
    "check_states",
    "claims_of",
    "evaluate",
    "make_plan",
    "ranked",
    "shortened",
    "spent",
    "standing",
    "task_of",
]
