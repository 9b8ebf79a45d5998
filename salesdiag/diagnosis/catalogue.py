"""The catalogue of causes: code, who can change it, and how it is told.

A sentence is a template; the figures that fill it stand in the finding, so that another
language can tell the same. ``{scope}``, ``{stage}``, ``{measured}``, ``{expected}``, ``{n}``
and ``{money}`` may stand in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["share", "rate", "days", "hours", "money", "number", "ratio"]
Control = Literal["direct", "indirect", "external"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: how it is measured, who controls it, and the words for it."""

    code: str
    control: Control
    unit: Unit  # of what is measured
    tables: tuple[str, ...]  # without which it cannot be examined, besides deals
    reading: str
    caveat: str
    next_step: str
    needs_past: bool = False  # told from a comparison with the year before only


_ROWS = (
    Cause(
        "slow_response", "direct", "hours", ("leads",),
        "Leads of {scope} wait {measured} for an answer; before it was {expected}.",
        "Promising leads may be called first: then part of what slow answers seem to cost is "
        "the leads' own doing.",
        "Set a limit for the first answer in working hours, and look every morning at the leads "
        "beyond it.",
        needs_past=True,
    ),
    Cause(
        "unworked_leads", "direct", "share", ("leads",),
        "{measured} of the leads of {scope} were never contacted; {expected} would be usual.",
        "Contacts that nobody logged look like none; compare with the telephone's own list.",
        "Hand the untouched leads of the last month out again, and count them weekly.",
        needs_past=True,
    ),
    Cause(
        "lead_misallocation", "direct", "rate", ("reps",),
        "Leads of {scope} go to reps who win fewer of their kind: {measured} won, {expected} if "
        "they were handed out as before.",
        "Reps may be new to the kind of customer they now get and still learn.",
        "Hand leads out by what each rep wins them at, within the room that each has.",
        needs_past=True,
    ),
    Cause(
        "stage_leak", "direct", "rate", ("stage_changes",),
        "Of the deals of {scope} that reach {stage}, {measured} go on; {expected} would be usual.",
        "A stage that is named or used in another way than before looks like a leak.",
        "Read ten deals lost in {stage} with the reps who had them, and agree on what must be "
        "done before a deal enters it.",
        needs_past=True,
    ),
    Cause(
        "process_skipped", "direct", "share", ("stage_changes",),
        "{measured} of the stages of deals of {scope} are left out; {expected} were before, and "
        "fewer of the deals are won.",
        "Small deals may need fewer stages; and deals may be lost for another reason that came "
        "at the same time.",
        "Say which stages may be left out and when; let the CRM ask for the missing one.",
        needs_past=True,
    ),
    Cause(
        "stalled_pipeline", "direct", "share", (),
        "{measured} of the open deals of {scope} are past the age at which deals still win; "
        "{expected} would be usual.",
        "A deal that lives on without an entry looks dead.",
        "Go through the oldest open deals one by one: a next step with a date, or closed.",
    ),
    Cause(
        "low_activity", "direct", "number", ("activities",),
        "{scope} shows {measured} activities a month for each live deal; {expected} would be "
        "usual.",
        "Where less is logged but as much is done, nothing is lost.",
        "Agree on a number of conversations per week for each rep, and look at it weekly.",
        needs_past=True,
    ),
    Cause(
        "misdirected_activity", "direct", "share", ("activities",),
        "{measured} of the activities of {scope} go to deals that can hardly win any more; "
        "{expected} did before.",
        "Nursing an old deal may be right where the customer buys late.",
        "Close what is dead, so that the day goes to what can still win.",
        needs_past=True,
    ),
    Cause(
        "weak_reps", "direct", "rate", (),
        "{scope} win {measured} of their deals; with their deals {expected} would be usual.",
        "What the tables do not hold, such as hard customers, may be behind it.",
        "Sit in on their calls; compare with the reps who win the same deals.",
    ),
    Cause(
        "slow_ramp", "direct", "ratio", ("reps",),
        "Newcomers of {scope} bring {measured} of what tenured reps bring in the same months; "
        "{expected} would be usual by then.",
        "Newcomers may have been given worse leads or empty territories.",
        "Give each newcomer a plan for the first hundred days and one experienced rep to ask.",
    ),
    Cause(
        "headcount_gap", "direct", "days", ("reps",),
        "{scope} had {measured} selling days where {expected} were to be had.",
        "Deals that were taken over by others are not lost.",
        "Fill the empty seats; hand the open deals of leavers over on the day that they leave.",
        needs_past=True,
    ),
    Cause(
        "manager_effect", "direct", "rate", ("reps",),
        "{scope} wins {measured} of its deals; with the same deals {expected} would be usual.",
        "Team and territory are one and the same here unless reps moved between them.",
        "Look at how the team is led: meetings, coaching, who joins the calls.",
        needs_past=True,
    ),
    Cause(
        "small_deals", "direct", "money", (),
        "A typical deal of {scope} has a list value of {measured}; {expected} would be usual.",
        "A new, cheaper product or segment makes deals smaller without anybody's fault.",
        "Check who is asked for the larger contract, and when it is offered.",
        needs_past=True,
    ),
    Cause(
        "excess_discount", "direct", "share", (),
        "{scope} gives {measured} off the list price, {expected} before, and does not win as much "
        "more for it.",
        "Discounts go to the hard deals, so their effect is adjusted and not measured.",
        "Ask for a reason above the usual discount; look at who gives it and why.",
        needs_past=True,
    ),
    Cause(
        "period_end_discounting", "direct", "share", (),
        "In the last weeks of a quarter {scope} gives {measured} off the list price; {expected} "
        "in those of the year before, while the rest of the quarter hardly changed.",
        "Buyers who wait for the quarter's end would do so without the reps' help.",
        "Hold approval of late discounts to the same rule as early ones.",
        needs_past=True,
    ),
    Cause(
        "discount_limit_bunching", "direct", "share", (),
        "{measured} of the discounted deals of {scope} sit just at the limit that needs no "
        "approval; {expected} would be usual.",
        "Round numbers draw discounts, limit or not; other round numbers were held against it.",
        "Let the limit depend on size or margin, and look at the deals just below it.",
    ),
    Cause(
        "crm_unreliable", "direct", "share", ("activities",),
        "{measured} of the entries of {scope} are suspect (entered in bursts, late or "
        "contradictory); {expected} were before.",
        "Imports look alike; batches that all reps share were left out.",
        "Have things entered the day they happen; judge nobody by these figures until then.",
        needs_past=True,
    ),
    Cause(
        "forecast_bias", "direct", "ratio", ("forecasts",),
        "Forecasts of {scope} are {measured} of what came; {expected} would be right.",
        "A few large deals move a forecast.",
        "Show each forecaster the last forecasts beside what came.",
    ),
    Cause(
        "biased_call_scores", "direct", "number", ("call_scores",),
        "Call scores of {scope} differ by {measured} points between scorers of the same reps.",
        "Scorers may have heard different calls.",
        "Let two score the same calls, and talk about what differs.",
    ),
    Cause(
        "plan_too_high", "indirect", "money", ("targets",),
        "The plan asks {scope} for {expected}; {measured} was to be expected.",
        "A plan may be meant to stretch.",
        "Build the plan from selling days, leads and rates, and let each seller see the sum.",
    ),
    Cause(
        "plan_misallocated", "indirect", "ratio", ("targets", "reps"),
        "Targets of {scope} do not follow what there is to sell: who opens twice the deals is "
        "asked for {measured} of the target; near {expected} would be fair.",
        "Who is good at opening deals has more of them; that alone calls for no larger target.",
        "Set targets by potential and past result, and let the sum stay.",
    ),
    Cause(
        "plan_ratchet", "indirect", "ratio", ("targets",),
        "A result above target raises the next target of {scope} by {measured} of the excess; "
        "one below lowers it by {expected}.",
        "Targets may have been raised for reasons that result and target share.",
        "Set targets by potential, not by last year's result alone.",
    ),
    Cause(
        "payout_cliff", "indirect", "ratio", ("targets", "activities"),
        "Reps of {scope} who can no longer reach the pay threshold do {measured} of what the "
        "others do; {expected} early in the period.",
        "Who falls behind may do less for other reasons.",
        "Pay every step of the result, from the first sale on.",
    ),
    Cause(
        "timing_games", "indirect", "share", (),
        "Of the deals that {scope} wins within two weeks of a quarter's end, {measured} are won "
        "before it; {expected} would be usual.",
        "Buyers' own year ends do the same.",
        "Pay by month or without thresholds; look at net sales over both sides of the end.",
    ),
    Cause(
        "lead_shortage", "indirect", "number", ("leads",),
        "{measured} leads a month came in for {scope}; {expected} the year before.",
        "Leads that are entered elsewhere, or not at all, are missing here too.",
        "Ask marketing what changed, source by source, in the month when it began.",
        needs_past=True,
    ),
    Cause(
        "lead_quality", "indirect", "rate", (),
        "Of the leads of {scope}, {measured} are won; {expected} were before.",
        "If the same leads are answered later or by others, it is not the leads.",
        "Listen to calls with leads of this source; ask who changed the campaign, and when.",
        needs_past=True,
    ),
    Cause(
        "delivery_losses", "indirect", "share", (),
        "{measured} of the losses of {scope} name stock, service or delivery; {expected} before.",
        "Reps choose the reason; some choose what blames others.",
        "Count with production what could not be delivered, deal by deal.",
    ),
    Cause(
        "key_account_lost", "indirect", "money", (),
        "{scope} bought for {measured}; {expected} the year before.",
        "Large accounts buy in years, not in months.",
        "Call the account's decision maker; ask what would bring the next order.",
        needs_past=True,
    ),
    Cause(
        "customer_churn", "indirect", "number", (),
        "Customers of {scope} who bought before come back {measured} times a year; {expected} "
        "the year before.",
        "Orders that moved to another channel are not lost.",
        "Call the customers who stopped, the largest first, and ask why.",
        needs_past=True,
    ),
    Cause(
        "market_decline", "external", "ratio", ("market",),
        "Demand outside fell to {measured} of the year before.",
        "The index may not be that of your customers.",
        "Hold the plan against the market; move effort to what still buys.",
        needs_past=True,
    ),
    Cause(
        "currency_effect", "external", "ratio", ("fx_rates",),
        "The exchange rate moved to {measured} of the year before.",
        "Prices may have been raised to make up for it.",
        "Quote in the department's own currency, or agree on a rate.",
        needs_past=True,
    ),
)  # fmt: skip

CATALOGUE: dict[str, Cause] = {row.code: row for row in _ROWS}
# detectors to come with analyses of their own
NOT_YET = ("forecast_bias", "biased_call_scores", "delivery_losses", "currency_effect")
