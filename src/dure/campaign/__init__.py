"""A question under way: plan, loop, stopping, checks, verdict, claims."""

from dure.campaign.claims import Claim, claims_of, objectives, shortened
from dure.campaign.course import spent
from dure.campaign.driver import Campaign
from dure.campaign.ending import check_states, conclude
from dure.campaign.leaders import allowed, baseline_of, covering, front_of, members, ranked, unguarded
from dure.campaign.loop import Loop, Wish
from dure.campaign.plan import Budget, make_plan, task_of
from dure.campaign.queries import Query, evaluate
from dure.campaign.repeats import MOST_ROUNDS

__all__ = [
    "MOST_ROUNDS",
    "Budget",
    "Campaign",
    "Claim",
    "Loop",
    "Query",
    "Wish",
    "allowed",
    "baseline_of",
    "check_states",
    "claims_of",
    "conclude",
    "covering",
    "evaluate",
    "front_of",
    "make_plan",
    "members",
    "objectives",
    "ranked",
    "shortened",
    "spent",
    "task_of",
    "unguarded",
]
