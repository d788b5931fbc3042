"""The code location that Dagster loads: the definitions of the warehouse in the environment.

The one module that works at import, because that is how Dagster loads a location. Does not belong
here: anything else.
"""

from orchestration.definitions import build_definitions
from orchestration.run_storage import do_not_wait_for_the_disk
from orchestration.settings import settings_from_environment

do_not_wait_for_the_disk()
defs = build_definitions(settings_from_environment())
