#!/bin/sh
# /usr/local/bin/tributary on the coordinator's machine, for root: commands run as the service does, in its place.
export TRIBUTARY_DATA_DIR=/var/lib/tributary/data
export TRIBUTARY_HOME=/var/lib/tributary/home
export TRIBUTARY_MASTER_KEY=/var/lib/tributary-keys/master.key

# Read as systemd reads it, and never run: an address of a database has & in it, and a password may have $.
settings=/etc/tributary/environment
blank=$(printf ' \t\r')
trimmed() {
  text=${1#"${1%%[!$blank]*}"}
  text=${text%"${text##*[!$blank]}"}
}
if [ -e "$settings" ]; then
  while IFS= read -r line || [ -n "$line" ]; do
    trimmed "$line"
    case $text in '' | '#'* | ';'*) continue ;; esac
    line=$text
    trimmed "${line%%=*}"
    key=$text
    case $line in *=*) ;; *) key= ;; esac
    case $key in
      '' | [0-9]* | *[!A-Za-z0-9_]*)
        echo "tributary: a line of $settings is not NAME=VALUE; it is left out" >&2
        continue
        ;;
    esac
    trimmed "${line#*=}"
    case $text in
      '"'*'"') text=${text#'"'} text=${text%'"'} ;;
      "'"*"'") text=${text#"'"} text=${text%"'"} ;;
    esac
    export "$key=$text"
  done <"$settings" || exit 1
fi
cd /var/lib/tributary || exit 1
exec runuser --user tributary -- /opt/tributary/bin/tributary "$@"
