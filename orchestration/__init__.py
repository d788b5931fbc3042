"""Clientele's Dagster code location and command line.

Pure logic lives in modules that import neither Dagster nor dbt, so that it can be tested without
them; assets.py, jobs.py and definitions.py only wire it together.
"""

__version__ = "0.1.0"
