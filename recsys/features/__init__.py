"""From the event log to arrays: ``Dataset.build`` freezes what was known before an instant."""

from recsys.features.dataset import Dataset, Rules
from recsys.features.interest import InterestConfig
from recsys.features.log import Columns, EventLog

__all__ = ["Columns", "Dataset", "EventLog", "InterestConfig", "Rules"]
