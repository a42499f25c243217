#!/bin/sh
# Hands the passwords that lie in files of secrets to libpq, which knows a file of its own, then runs the command.
set -eu
secrets=${GALCAT_SECRETS:-/run/secrets}
umask 077
: > "$PGPASSFILE"
for login in galcat:postgres_password galcat_public:reader_password; do
    file=$secrets/${login#*:}
    if [ -f "$file" ]; then
        # A colon and a backslash in it are written behind a backslash.
        printf '*:*:*:%s:%s\n' "${login%%:*}" "$(sed 's/[\\:]/\\&/g' "$file")" >> "$PGPASSFILE"
    fi
done
exec "$@"
