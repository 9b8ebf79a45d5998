"""The chapters of the report: what each asks, its pictures and tables, how they are read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One picture, or a table alone, with how to read it and how not to."""

    table: str
    is_drawn: bool = False
    has_table: bool = True
    read: str = ""
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """One chapter: the question it answers, and what it shows."""

    anchor: str
    title: str
    question: str
    exhibits: tuple[Exhibit, ...]


CHAPTERS = (
    Chapter(
        "funnel", "Funnel", "Where do deals get lost, and how long does it take?",
        (
            Exhibit(
                "stage_conversion", is_drawn=True,
                read="Each point is the chance that a deal goes on from a stage; the line is how "
                "far chance can move it. Deals that are still open count for as long as they were "
                "watched.",
                wrong="The lowest step is not the worst one: steps differ by nature. Hold a team "
                "against the other teams, or a step against its year before.",
            ),
            Exhibit("stage_conversion_by_team"),
            Exhibit(
                "outcome_incidence", is_drawn=True, has_table=False,
                read="The share of all deals that have been won or lost by each age; what is left "
                "is still open.",
                wrong="Won divided by created, for the last months: young deals have not had "
                "their time yet.",
            ),
            Exhibit(
                "time_in_stage", is_drawn=True, has_table=False,
                read="How long half of the deals stay in each stage.",
                wrong="The mean of the deals that have left: the slow ones are still there.",
            ),
            Exhibit("current_stages"),
            Exhibit("win_rate"),
            Exhibit("win_rate_created"),
            Exhibit("win_rate_by_source"),
            Exhibit("win_rate_by_segment"),
        ),
    ),
    Chapter(
        "activity", "Activity and result", "Does more activity bring more sales here?",
        (
            Exhibit(
                "activity_dose", is_drawn=True, has_table=False,
                read="Results of the same rep in busier and in quieter weeks, against the quietest "
                "weeks.",
                wrong="Who has many deals has much to do: across reps, activity follows the deals "
                "and not the other way round.",
            ),
            Exhibit(
                "activity_result_correlation", is_drawn=True, has_table=False,
                read="Between reps: do those who do more sell more. Within a rep: are the busier "
                "months the better ones. Only the second speaks of effort.",
                wrong="Taking the larger of the two for the effect of one more call.",
            ),
            Exhibit("deal_coverage"),
        ),
    ),
    Chapter(
        "plan", "Plan", "Is the plan reached, by whom, and was it ever to be reached?",
        (
            Exhibit(
                "target_attainment", is_drawn=True,
                read="What was sold of each period's plan; the line is how far chance alone can "
                "move it.",
                wrong="One period below plan is no trend: see whether its line reaches the plan.",
            ),
            Exhibit("attainment_by_team"),
            Exhibit("attainment_by_rep_id"),
            Exhibit(
                "attainment_distribution", is_drawn=True, has_table=False,
                read="Where the reps stand against their own targets. If hardly anybody reaches "
                "them, ask the plan before the people.",
                wrong="A mean of 90 % may be everybody a little short, or half of them far below.",
            ),
            Exhibit(
                "pace", is_drawn=True, has_table=False,
                read="The running period against what is usual by this day of a period.",
                wrong="Dividing the plan by days: sales come late in a period.",
            ),
            Exhibit(
                "attainment_forecast", is_drawn=True, has_table=False,
                read="What open and new deals may still bring, and the chance to reach the plan.",
                wrong="Adding up the open pipeline: most of it is never won.",
            ),
            Exhibit("target_fairness"),
            Exhibit("capacity"),
        ),
    ),
    Chapter(
        "discount", "Discount", "What do discounts cost, and what do they win?",
        (
            Exhibit(
                "discount_effect", is_drawn=True, has_table=False,
                read="The chance to win at each depth of discount, for deals that are otherwise "
                "alike, with what is left of the price.",
                wrong="The raw win rate by discount: the hard deals get the deep discounts.",
            ),
            Exhibit(
                "discount_bands", is_drawn=True, has_table=False,
                read="How many deals are sold at which discount, with the limits where known. A "
                "pile just at a limit says that the limit sets the price.",
                wrong="The mean discount: it hides who always gives and who never does.",
            ),
            Exhibit("limit_bunching"),
            Exhibit(
                "price_waterfall", is_drawn=True, has_table=False,
                read="From the list price to what is paid, step by step.",
                wrong="Counting only the discount that is written on the offer.",
            ),
        ),
    ),
    Chapter(
        "team", "Team", "May these people be compared, and who needs what?",
        (
            Exhibit(
                "rep_scorecard", is_drawn=True, has_table=False,
                read="Each rep with the range that the deals allow, drawn towards the team's mean "
                "by how few they are. Ranges that reach the middle line tell no difference.",
                wrong="A ranking by raw win rate: with few deals most of it is chance.",
            ),
            Exhibit("win_rate_by_team"),
            Exhibit(
                "ramp", is_drawn=True, has_table=False,
                read="What newcomers bring by month, against tenured reps in the same months.",
                wrong="Only those who stayed: the ones who left early are missing.",
            ),
        ),
    ),
    Chapter(
        "customers", "Customers and leads",
        "Which sources are worth their cost, and are all leads worked?",
        (
            Exhibit("source_quality"),
            Exhibit("response_time"),
            Exhibit("unworked_leads"),
            Exhibit("lead_distribution"),
        ),
    ),
    Chapter(
        "business", "The business", "What is in the pipeline, and what will it bring?",
        (
            Exhibit(
                "pipeline_snapshot", is_drawn=True, has_table=False,
                read="Open deals by stage, and the money in them that is likely to come.",
                wrong="The sum of all open deals as if all would be won.",
            ),
            Exhibit(
                "stalled_deals", is_drawn=True, has_table=False,
                read="Open deals that are older than the age at which deals still win.",
                wrong="Counting them as pipeline because nobody closed them.",
            ),
            Exhibit(
                "coverage", is_drawn=True, has_table=False,
                read="The pipeline against what is left of the plan, and how much of it this "
                "department needs by its own past.",
                wrong="Three times the plan for everybody.",
            ),
        ),
    ),
    Chapter(
        "board", "Results board", "How do leads, closed deals and sales run by week?",
        (
            Exhibit(
                "results_board", is_drawn=True, has_table=False,
                read="Counts by week; dashed are the same weeks a year before.",
                wrong="Praising or blaming a single week: weeks scatter by chance.",
            ),
        ),
    ),
)  # fmt: skip
