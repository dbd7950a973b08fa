"""What the daemon tells Prometheus: observed as it happens, or read from reports at scrape time."""

from daemon.metrics.observed import Metrics
from daemon.metrics.scraped import ReportCollector

__all__ = ["Metrics", "ReportCollector"]
