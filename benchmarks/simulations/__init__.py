"""Simulations of the estimators, one file a topic; each gives the figures of a table."""

import os

# two processes of one thread each; numpy asks when it is loaded, which is after this
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"
