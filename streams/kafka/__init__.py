"""Topics, codecs and administration of Kafka."""
