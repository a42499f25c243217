#!/bin/sh
# A backup at once and every 24 hours; one that fails is tried again after an hour, and the health check tells of it.
while :; do
    if galcat backup /backups --keep "${GALCAT_KEPT_BACKUPS:-14}"; then sleep 86400 & else sleep 3600 & fi
    wait $!
done
