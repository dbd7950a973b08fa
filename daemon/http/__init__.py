"""The one HTTP listener: metrics, health, API and live page."""
