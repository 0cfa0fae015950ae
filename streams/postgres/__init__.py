"""The outbox table: the only place that knows SQL."""
