"""Messages to an MQTT broker: topics that hold states, events, and devices for Home Assistant."""
