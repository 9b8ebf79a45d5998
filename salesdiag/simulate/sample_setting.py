"""The setting of the sample department: its people, what it sells, its working clock."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]
Flags: TypeAlias = NDArray[np.bool_]
Times: TypeAlias = NDArray[np.datetime64]

TEAMS = ("North", "South", "East", "West")
SOURCES = ("website", "referral", "partner", "campaign", "outbound")
SEGMENTS = ("small", "mid", "large")
STAGES = ("Qualified", "Demo", "Proposal", "Negotiation", "Won", "Lost")
PROPOSAL, WON, LOST = 2, 4, 5
NORTH, OUTBOUND = 0, 4
MANAGER = "manager"
GROUP_SIZES = (150, 80, 24)  # accounts of a territory, by segment

# name, team, territory, role, skill, first day, day of leaving ("" while employed). Every
# team has the same spread of skill, so no team is better or worse by its people.
REPS = (
    ("Ingrid Solheim", "North", "Hamburg", MANAGER, 0.0, "2019-04-01", ""),
    ("Oleksiy Marchenko", "North", "Hamburg", "rep", 0.16, "2020-02-03", ""),
    ("Béatrice Lanoë", "North", "Hamburg", "rep", -0.06, "2022-05-02", ""),
    ("Trần Minh Khôi", "North", "Hanover", "rep", 0.07, "2021-09-01", ""),
    ("Jelle Terpstra", "North", "Hanover", "rep", -0.15, "2023-02-01", ""),
    ("Amara Nwosu", "North", "Hamburg", "rep", 0.0, "2022-11-02", ""),
    ("Henrik Dalgaard", "North", "Hanover", "rep", 0.0, "2024-07-01", ""),
    ("Rosalind Achterberg", "South", "Munich", MANAGER, 0.0, "2018-09-03", ""),
    ("Дмитрий Ковальчук", "South", "Munich", "rep", 0.07, "2021-03-01", ""),
    ("Giulia Ferrante", "South", "Munich", "rep", -0.15, "2022-08-01", ""),
    ("Tomasz Wilczek", "South", "Stuttgart", "rep", 0.16, "2019-11-04", ""),
    ("Phạm Thu Hà", "South", "Stuttgart", "rep", -0.06, "2023-04-03", ""),
    ("Lucas Brandão", "South", "Munich", "rep", 0.0, "2020-06-01", "2024-06-28"),
    ("Sanna Lehtimäki", "South", "Munich", "rep", 0.0, "2024-06-03", ""),
    ("Viktor Halász", "East", "Berlin", MANAGER, 0.0, "2017-01-09", ""),
    ("Анна Белозёрова", "East", "Berlin", "rep", 0.16, "2020-10-01", ""),
    ("Matthias Krohn", "East", "Berlin", "rep", -0.15, "2021-06-01", ""),
    ("Yusuf Demirel", "East", "Leipzig", "rep", -0.06, "2022-01-03", ""),
    ("Clara Wendt", "East", "Leipzig", "rep", 0.07, "2023-01-02", ""),
    ("Lê Quang Huy", "East", "Berlin", "rep", 0.0, "2024-04-02", ""),
    ("Eamon Gallagher", "West", "Cologne", MANAGER, 0.0, "2018-03-01", ""),
    ("Noor van Dijk", "West", "Cologne", "rep", -0.06, "2021-02-01", ""),
    ("Rafael Quintana", "West", "Cologne", "rep", 0.16, "2020-08-03", ""),
    ("Mei-Lin Zhao", "West", "Frankfurt", "rep", 0.0, "2022-03-01", "2025-03-31"),
    ("Stefan Obermaier", "West", "Frankfurt", "rep", 0.07, "2021-11-02", ""),
    ("Zuzana Hrubá", "West", "Frankfurt", "rep", 0.0, "2025-02-03", ""),
    ("Kwame Boateng", "West", "Cologne", "rep", -0.15, "2022-10-04", ""),
)
HEIRS = {12: 13, 23: 25}  # who takes over the open deals of whom who left
REP_TEAM = np.array([TEAMS.index(row[1]) for row in REPS])
TERRITORIES = sorted({row[2] for row in REPS})
REP_TERRITORY = np.array([TERRITORIES.index(row[2]) for row in REPS])
IS_MANAGER = np.array([row[3] == MANAGER for row in REPS])
SKILL = np.array([row[4] for row in REPS])
HIRED = np.array([row[5] for row in REPS], dtype="datetime64[s]")
# The last day is worked to its end; whoever stays leaves long after the data.
LEFT = np.array([row[6] or "2100-01-01" for row in REPS], dtype="datetime64[s]")
LEFT += np.timedelta64(86_399, "s")

N_ACCOUNTS = sum(GROUP_SIZES) * len(TERRITORIES)
PRODUCTS = ("Desks", "Chairs", "Shelving", "Printers", "Coffee", "Lighting", "Screens", "Booths")
LIST_PRICE = np.array([420.0, 260.0, 180.0, 540.0, 890.0, 150.0, 310.0, 2_400.0])
UNIT_COST = np.array([264.6, 161.2, 117.0, 340.2, 543.4, 93.0, 201.5, 1_488.0])
DEAL_SIZE = np.array([3_200.0, 8_500.0, 22_000.0])  # median by segment
_QUARTER_PLAN = np.array([58_000.0, 63_000.0, 62_000.0, 60_000.0])  # of one rep, in 2024
_PLAN_GROWTH = 1.02
# Accounts are called after a person and a trade: "Okafor Dental".
PEOPLE = (
    "Lindqvist Okafor Moreau Castellan Varga Nowicki Haugen Petrescu Ibarra Keller Achebe "
    "Rossetti Janssen Kowal Bergström Tanaka Fontaine Mbeki Sørensen Novotny Alvarez Dogan "
    "Hartwig Eriksen Pillai Marchetti Weiss Laurent Horvat Brandt Silveira Nakata Engel Virtanen "
    "Costa Adler Nemeth Duval Santos Richter Mäkinen Chaudhry Falk Baptiste Lorenz Ferreira"
)
TRADES = (
    "Logistics Dental Architects Foods Textiles Media Pharma Legal Motors Optics Timber Hotels "
    "Insurance Travel Robotics Gardens Energy Books Ceramics Plastics Clinics Schools Tools "
    "Packaging Shipping Software Brewery Printing Glass Cosmetics Steel Bakeries Design Audit "
    "Furniture Instruments Toys Recycling Studios Aviation Seeds Cables Fitness Coatings Labs Film"
)
OTHER_NAMES = (
    "Ковальчук и сыновья", "Северный порт", "Типография «Заря»", "Студия Белова", "Мебель Плюс",
    "Công ty Minh Long", "Nhà sách Phương Đông", "Gốm sứ Hồng Hà", "Dược phẩm An Khang",
    "Vận tải Sao Biển",
)  # fmt: skip

DAY_SECONDS = 9 * 3_600
_OPENS = 8 * 3_600
_NATIONAL_DAYS = (
    "2023-10-03 2023-12-25 2023-12-26 2024-01-01 2024-03-29 2024-04-01 2024-05-01 2024-05-09 "
    "2024-05-20 2024-10-03 2024-12-25 2024-12-26 2025-01-01 2025-04-18 2025-04-21 2025-05-01 "
    "2025-05-29 2025-06-09 2025-10-03 2025-12-25 2025-12-26 2026-01-01"
)
HOLIDAYS = np.array(_NATIONAL_DAYS.split(), dtype="datetime64[D]")
_CALENDAR = np.arange("2023-07-01", "2030-01-01", dtype="datetime64[D]")
_DAYS = _CALENDAR[np.is_busday(_CALENDAR, holidays=HOLIDAYS)]


def to_time(clock: Ints) -> Times:
    """Give the moment at which the working clock shows so many seconds."""
    # Whoever waits longer than the calendar reaches is past the end of the data anyway.
    day = np.minimum(clock // DAY_SECONDS, len(_DAYS) - 1)
    seconds = (clock % DAY_SECONDS + _OPENS).astype("timedelta64[s]")
    moments: Times = _DAYS[day].astype("datetime64[s]") + seconds
    return moments


def to_clock(moments: Times) -> Ints:
    """Give the working clock at these moments, or at the next moment of work."""
    day = moments.astype("datetime64[D]")
    index = np.searchsorted(_DAYS, day)
    seconds = (moments - day.astype("datetime64[s]")).astype(np.int64) - _OPENS
    worked = np.where(_DAYS[index] == day, np.clip(seconds, 0, DAY_SECONDS), 0)
    clock: Ints = index.astype(np.int64) * DAY_SECONDS + worked
    return clock


START = int(to_clock(np.array(["2024-01-01"], dtype="datetime64[s]"))[0])
END = int(to_clock(np.array(["2026-01-01"], dtype="datetime64[s]"))[0]) - 1
FAULT_FROM = int(to_clock(np.array(["2025-01-01"], dtype="datetime64[s]"))[0])


def owner_at(rep: Ints, clock: Ints) -> Ints:
    """Give who has the deals of a rep at that time: whoever left handed them over."""
    owner = rep.copy()
    for old, new in HEIRS.items():
        owner[(rep == old) & (clock > to_clock(LEFT[[old]]))] = new
    return owner


def rep_plan() -> Floats:
    """Give the plan by quarter and rep: newcomers have half of it for their first 90 days."""
    days = np.arange("2024-01-01", "2026-01-01", dtype="datetime64[D]").astype("datetime64[s]")
    tenure = (days[:, None] - HIRED).astype(np.int64) / 86_400
    there = (tenure >= 0) & (days[:, None] <= LEFT) & ~IS_MANAGER
    weight = there * np.where(tenure < 90, 0.5, 1.0)
    quarter = days.astype("datetime64[M]").astype(np.int64) // 3
    starts = np.nonzero(np.diff(quarter, prepend=-1))[0]
    share = np.add.reduceat(weight, starts) / np.bincount(quarter - quarter[0])[:, None]
    full = np.concatenate([_QUARTER_PLAN, _QUARTER_PLAN * _PLAN_GROWTH])
    plan: Floats = np.round(share * full[:, None] / 500) * 500
    return plan
