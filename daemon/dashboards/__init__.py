"""Grafana dashboards as code; `python -m daemon.dashboards` writes them into config/grafana.

Needs grafana-foundation-sdk of the `dev` extra. The daemon imports nothing from here,
and the wheel does not hold it.
"""
