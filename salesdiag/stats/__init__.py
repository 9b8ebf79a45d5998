"""Arithmetic on small arrays of counts and sums; it knows no sales words.

Each question has a part of its own, and its public names are imported from there:

- ``rates`` : shares, their differences and intervals; shares of clustered cases; sums.
- ``survival`` : how likely an event is by when, with open and late cases; tests of groups.
- ``shrinkage`` : may units be ranked, and what is each worth beyond chance?
- ``standardisation`` : observed against expected, rate against mix, strata, reversals.
- ``decomposition`` : parts of a change that add up; price, volume and mix; break-even.
- ``panel`` : counts of units over periods; lags and doses; regression on cells.
- ``effects`` : adjusted effects, sensitivity, event studies, regression to the mean.
- ``bunching`` : cases that pile up at a threshold.
- ``multiplicity`` : many tests at once, in families.
- ``agreement`` : whether those who score agree.
- ``change`` : control limits, dates of change of a series, and where a change sits.
- ``forecasts`` : bias, error and calibration of forecasts.
- ``tiers`` : rates that change at thresholds.

They share ``arguments`` (what is accepted, and how it is refused) and ``resampling``.
"""
