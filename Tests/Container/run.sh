#!/usr/bin/env bash
# The systemd units as shipped, in a Debian that really boots: make test-container (root; some minutes the first time).
#
# Prints a line a check, PASS or FAIL; SKIPPED with the reason where no container can run.
set -euo pipefail
cd "$(dirname "$0")/../.."
. Tests/Booted/boot.sh
wants_containers

root=$PWD/.run/container
prepare_debian systemd,systemd-sysv,dbus,jq,libasound2,libhdf5-103-1,libopenblas0-pthread,libsndfile1,libsoxr0,libsystemd0,libssl3,libatomic1

install_wavetag
# The units of docs/operation.md, as they stand there; wavetag.service's drop-in is put in its place later.
PYTHONPATH=Tests/Docs python3 - "$root" <<'PYTHON'
import pathlib, pages, sys
for block in pages.blocks(pathlib.Path("docs/operation.md").read_text()):
    for path, unit in pages.units(block).items():
        path = pathlib.Path(sys.argv[1] + path.replace("wavetag.service.d", "operation"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(unit)
PYTHON
rm -f "$root/etc/asound.conf"
noise | prepare_device noise /usr/share/wavetag
# The demo piece's ten seconds of techno.
make -s install-deps PACKAGES='python3 fluidsynth fluid-soundfont-gm'
python3 demo/compose.py "$root.mid"
fluidsynth -ni -q -g 0.6 -r 44100 -O s16 -T raw -F "$root.raw" /usr/share/sounds/sf2/FluidR3_GM.sf2 "$root.mid" >/dev/null
dd if="$root.raw" bs=1764000 skip=2 count=1 status=none | prepare_device techno /usr/share/wavetag
rm "$root.mid" "$root.raw"
echo '{"device": "noise", "capture": {"pace": "realtime"}}' >"$root/etc/wavetag/wavetag.json"

# Puts a limit of 16 MB more than nothing on a process that the container asks it for.
limit_from_outside() {
    local group pid
    group=/sys/fs/cgroup/memory$(awk -F: '$2 == "memory" {print $3}' /proc/self/cgroup)/wavetag-oom
    until [ -s "$root/limit-wanted" ]; do read -rt 0.5 <> <(:) || true; done
    for status in /proc/[0-9]*/status; do
        grep -qx $'Name:\twavetag' "$status" 2>/dev/null || continue
        [ "$(awk '/^NSpid:/ && NF > 2 {print $NF}' "$status")" = "$(cat "$root/limit-wanted")" ] || continue
        pid=${status#/proc/}
        mkdir -p "$group" && echo 16M >"$group/memory.limit_in_bytes" && echo "${pid%/status}" >"$group/cgroup.procs" &&
            touch "$root/limit-set"
    done 2>>"$root.log"
}
rm -f "$root/limit-wanted" "$root/limit-set"
limit_from_outside &
outside=$!
# boot_and_check ends this script where a check fails. The helper may have ended before.
trap 'kill "$outside" 2>/dev/null || true; rmdir /sys/fs/cgroup/memory/{,*/*/}wavetag-oom 2>/dev/null || true' EXIT

boot_and_check 400 <<'CHECK'
systemctl start wavetag.socket
check 'the socket is there before the service' test -S $socket
check 'its mode and group are 0660 and audio' test "$(stat -c '%a %G' $socket)" = '660 audio'
check 'a client starts the service and reads tags' tags
check 'the service told systemd that it is ready' systemctl is-active wavetag.service
check 'it runs as a user made for it' test "$(stat -c %U /proc/$(main))" != root
check 'the watchdog is set' state wavetag.service WatchdogUSec 30s
as() { setpriv --reuid nobody --regid nogroup "$@"; }
check 'a user in the group audio reads tags' \
    sh -c "setpriv --reuid nobody --regid nogroup --groups audio timeout 20 wavetag watch --format json | grep -m 2 '\"type\":\"tags\"'"
as --clear-groups wavetag watch >/outside 2>&1
check 'another is refused with exit code 69' test $? = 69
check 'in one line' test "$(cat /outside)" = "wavetag: watch: $socket: Permission denied"
# Some kernels (RT_GROUP_SCHED) and containers give no unit real-time priority: then there is nothing to see.
if systemd-run --quiet --wait -p LimitRTPRIO=50 -p User=nobody chrt -f 10 true; then
    # Field 41 of a thread's stat is its scheduling policy; 1 is SCHED_FIFO.
    check 'the capture thread has real-time priority' \
        sh -c "grep -h '(capture)' /proc/$(main)/task/*/stat | cut -d ' ' -f 41 | grep -qx 1"
else
    echo 'SKIPPED real-time priority: no unit is given any here' >>/result
fi
before=$(main)
kill -9 "$before"
check 'killed, it is restarted' sh -c "[ \"\$(systemctl show -P MainPID wavetag.service)\" -gt 0 ] && [ \"\$(systemctl show -P MainPID wavetag.service)\" != $before ]"
check 'and serves tags again' tags
started=6b8b4347b5ff4c1eaff2abe0754d8eb9
check 'the journal finds a start by its id, with its fields' \
    sh -c "journalctl -u wavetag.service MESSAGE_ID=$started -o json | grep -q '\"WAVETAG_SOCKET\":\"/run/wavetag/wavetag.sock\"'"
journalctl --update-catalog
check 'and explains it' sh -c "journalctl -x -u wavetag.service MESSAGE_ID=$started | grep -q 'Clients can connect'"
install -D /etc/systemd/system/operation/metrics.conf /etc/systemd/system/wavetag.service.d/metrics.conf
systemctl daemon-reload
systemctl restart wavetag.service
check 'with a folder for them there are metrics, for everybody' \
    runuser -u nobody -- grep -qx 'wavetag_device_running 1' /run/wavetag-metrics/wavetag.prom
check 'the socket is where it was' tags
check 'the exposure is at most 1.0' systemd-analyze security --threshold=10 wavetag.service
systemctl start wavetag-store.service
check 'the service of the page on operation keeps tags' sh -c "grep -q '\"type\":\"tags\"' /var/lib/wavetag-store/tags-*.ndjson"
systemctl stop wavetag-store.service
systemctl start techno.path techno-heard.service
settings '{"device": "techno", "capture": {"pace": "realtime"}}'
systemctl restart wavetag.service
check 'techno is heard, and the path unit of that page starts what is to happen' \
    sh -c "journalctl -u techno.service | grep -q 'techno!'"
systemctl stop techno.path techno-heard.service
settings '{"device": "noise", "capture": {"pace": "realtime"}}'
systemctl restart wavetag.service

# Reload: another model, by its name, and another hop, in the same process.
good='{"device": "noise", "capture": {"pace": "realtime"}, "model": "/usr/share/wavetag/other.safetensors"'
hello() { timeout 20 wavetag watch --format json | grep -m 1 '"type":"hello"' | grep "\"name\":\"$1\""; }
cp /usr/share/wavetag/default.safetensors /usr/share/wavetag/other.safetensors
before=$(main)
settings "$good, \"hop\": 2187}"
systemctl reload wavetag.service
check 'reloaded, it answers with the other model' hello other
check 'and says so in the journal' said 'reloaded.*hop 2187'
settings '{"hop": 0}'
systemctl reload wavetag.service
check 'a bad setting is refused, with its reason in the journal' said 'reload refused.*hop: a whole number from 1'
check 'and in the status of the unit' sh -c "systemctl show -P StatusText wavetag.service | grep 'reload refused'"
check 'and the old settings go on' hello other
check 'it is the same process all along' test "$(main)" = "$before"

# Out of memory: a hop of one sample, with rings that the unit may not have.
settings "$good, \"hop\": 1, \"memory_limit\": 65536}"
eat=$(mktemp)
echo 'x=$(head -c 60000000 /dev/zero | tr "\0" x)' >"$eat"
if ! systemd-run --quiet --wait -p MemoryMax=16M sh "$eat"; then
    why="Failed with result 'oom-kill'"
    # Enough for the model, but not for these rings of 64 MB.
    systemctl set-property --runtime wavetag.service MemoryMax=90M
    touch /limit-set
else
    # The host's cgroups are of the first version: units' memory isn't limited in a container. The host limits the process.
    echo "$before" >/limit-wanted
    for _ in $(seq 60); do
        [ -e /limit-set ] && break
        read -rt 0.5 <> <(:) || true
    done
    why='code=killed, status=9/KILL'
fi
if [ -e /limit-set ]; then
    restarts=$(systemctl show -P NRestarts wavetag.service)
    moment=$(date +%s)
    systemctl reload wavetag.service
    check 'out of memory, it is killed, and the journal says why' said "$why" "@$moment"
    check 'and it is started again' sh -c "[ \"\$(systemctl show -P NRestarts wavetag.service)\" -gt $restarts ]"
    settings "$good}"
    # It may be running, waiting to be started again, or dying once more.
    systemctl reload wavetag.service
    check 'the setting mended, it comes up by itself' hello other
    check 'and serves tags' tags
else
    echo 'SKIPPED out of memory: nobody limits memory here' >>/result
fi
systemctl stop wavetag.service
check 'it stops with success' state wavetag.service Result success
check 'and its metrics are gone' test ! -e /run/wavetag-metrics/wavetag.prom
CHECK
