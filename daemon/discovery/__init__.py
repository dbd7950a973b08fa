"""Which cameras are on the network, and what streams they have: WS-Discovery and ONVIF."""
