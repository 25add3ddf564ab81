"""The page of a job, for editors: what changes, label by label, with examples."""

from service.jobs.counts import Totals
from service.jobs.plan import Plan


def render(plan: Plan, totals: Totals) -> str:
    return f"<!doctype html><title>{plan.id}</title>{totals.changed} из {totals.articles}"
