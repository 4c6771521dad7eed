#!/usr/bin/env bash
# Ray 2.60.0: `ray start --head --node-ip-address=127.0.0.1` does not stay on loopback.
#
# One would guess that a head whose address is given as 127.0.0.1 listens there and nowhere else.
# So it is not: Ray replaces the address by the one that the machine has in its network, and daemons and workers listen
# there (or on all interfaces). On Linux it stays on loopback only with RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0, a variable
# that by its name is for other systems.
# On a machine without any other address both are the same; the script says so and shows nothing.
set -euo pipefail

place=$(mktemp -d)
python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check "ray==2.60.0" "psutil==7.1.0"
export RAY_USAGE_STATS_ENABLED=0 RAY_TMPDIR="$place/ray" RAY_AUTH_MODE=token
RAY_AUTH_TOKEN=$("$place/venv/bin/python" -c 'import secrets; print(secrets.token_hex(32))')
export RAY_AUTH_TOKEN
head=
end() {  # of this script's Ray alone: `ray stop` would end everybody's
    if [ -n "$head" ]; then
        kill -- "-$head" 2>/dev/null || true
        wait "$head" 2>/dev/null || true
        head=
    fi
}
trap 'end; rm -rf "$place"' EXIT

cat > "$place/listening.py" <<'PYTHON'
"""Prints how many sockets of the processes of a session listen on loopback, and how many elsewhere."""
import os
import sys

import psutil

inside = outside = 0
for process in psutil.process_iter():
    try:
        if os.getsid(process.pid) != int(sys.argv[1]) and int(sys.argv[1]) not in [p.pid for p in process.parents()]:
            continue
        found = [one for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
    except (psutil.Error, OSError):
        continue
    for one in found:
        if one.laddr.ip in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
            inside += 1
        else:
            outside += 1
print(inside, outside)
PYTHON

own=$(hostname -I 2>/dev/null | awk '{print $1}' || true)
if [ -z "$own" ]; then
    echo "this machine has no address but loopback: nothing to see here"
    exit 0
fi

# Prints how many sockets of a head that is started so listen on loopback, and how many elsewhere.
count() {
    setsid env "$@" "$place/venv/bin/ray" start --head --block --port=26379 --node-ip-address=127.0.0.1 \
        --include-dashboard=false --num-cpus=1 --object-store-memory=100000000 >"$place/log" 2>&1 &
    head=$!
    for _ in $(seq 60); do
        sleep 1
        if grep -q "Ray runtime started" "$place/log"; then break; fi
    done
    sleep 3
    "$place/venv/bin/python" "$place/listening.py" "$head" >"$place/counted"
    end
    sleep 2
}

echo "ray $("$place/venv/bin/python" -c 'import ray; print(ray.__version__)')"
count NOTHING=
read -r inside outside <"$place/counted"
echo "as one would: $inside listen on loopback, $outside elsewhere"
count RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0
read -r held_inside held_outside <"$place/counted"
echo "with RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0: $held_inside listen on loopback, $held_outside elsewhere"

if [ "$outside" -gt 0 ] && [ "$held_outside" -eq 0 ] && [ "$held_inside" -gt 0 ]; then
    echo "as described: 127.0.0.1 is replaced, unless the variable is set"
else
    echo "changed: no longer as described" >&2
    exit 1
fi

# Seen:
#   ray 2.60.0
#   as one would: 0 listen on loopback, 4 elsewhere
#   with RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0: 4 listen on loopback, 0 elsewhere
