# Sekisho as a gateway.
