#!/bin/sh
# /usr/local/bin/tributary on the coordinator's machine: commands run as the service does, in its place.
cd /var/lib/tributary || exit 1
exec sudo --user tributary env \
  TRIBUTARY_DATA_DIR=/var/lib/tributary/data \
  TRIBUTARY_HOME=/var/lib/tributary/home \
  TRIBUTARY_MASTER_KEY=/var/lib/tributary-keys/master.key \
  TRIBUTARY_STORE="${TRIBUTARY_STORE:-}" \
  /opt/tributary/bin/tributary "$@"
