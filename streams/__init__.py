"""Carries commands from a Postgres outbox to Hyperledger Fabric as a stream."""
