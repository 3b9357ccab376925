#!/bin/sh
# /usr/local/bin/tributary on the coordinator's machine, for root: commands run as the service does, in its place.
set -a
TRIBUTARY_DATA_DIR=/var/lib/tributary/data
TRIBUTARY_HOME=/var/lib/tributary/home
TRIBUTARY_MASTER_KEY=/var/lib/tributary-keys/master.key
if [ -r /etc/tributary/environment ]; then . /etc/tributary/environment; fi
set +a
cd /var/lib/tributary || exit 1
exec runuser --user tributary -- /opt/tributary/bin/tributary "$@"
