#!/usr/bin/env bash
# The systemd units as shipped, in a Debian that really boots: make test-container (root; some minutes the first time).
#
# Prints a line a check, PASS or FAIL; SKIPPED with the reason where no container can run.
set -euo pipefail
cd "$(dirname "$0")/../.."
skip() {
    echo "SKIPPED: $1"
    exit 0
}
[ "$(id -u)" = 0 ] || skip "not root"
command -v systemd-nspawn >/dev/null || skip "no systemd-nspawn (package systemd-container)"
command -v debootstrap >/dev/null || skip "no debootstrap"

root=$PWD/.run/container
binary=$PWD/.build/release/wavetag
packages=systemd,systemd-sysv,dbus,libasound2,libhdf5-103-1,libopenblas0-pthread,libsndfile1,libsoxr0,libsystemd0,libssl3,libatomic1
# The mirror that this machine's own apt uses.
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 -v security || true)
if [ ! -e "$root/.complete" ]; then
    rm -rf "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase --include="$packages" bookworm "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 ||
        skip "debootstrap failed: $(tail -n 1 "$root.log")"
    touch "$root/.complete"
fi

install -D -m 755 "$binary" "$root/usr/bin/wavetag"
# Swift's runtime libraries, wherever this machine has them.
mkdir -p "$root/usr/lib/wavetag"
ldd "$binary" | awk '/swift/ && $3 ~ /^\// {print $3}' | xargs -r cp -t "$root/usr/lib/wavetag"
echo /usr/lib/wavetag >"$root/etc/ld.so.conf.d/wavetag.conf"
chroot "$root" ldconfig
install -D -m 644 models/default.safetensors "$root/usr/share/wavetag/default.safetensors"
install -m 644 systemd/wavetag.service systemd/wavetag.socket "$root/etc/systemd/system/"

# A device that every container has: ALSA's file plugin over twenty seconds of noise, read in real time.
head -c 3528000 /dev/urandom >"$root/usr/share/wavetag/noise.raw"
cat >"$root/etc/asound.conf" <<'CONFIGURATION'
pcm.noise {
    type file
    slave.pcm { type null }
    file "/dev/null"
    infile "/usr/share/wavetag/noise.raw"
    format "raw"
}
CONFIGURATION
mkdir -p "$root/etc/wavetag"
echo '{"device": "noise", "capture": {"pace": "realtime"}}' >"$root/etc/wavetag/wavetag.json"

cat >"$root/usr/local/bin/check-wavetag" <<'CHECK'
#!/bin/bash
# Runs inside. A check is a command that succeeds within half a minute.
check() {
    name=$1
    shift
    for _ in $(seq 60); do
        if "$@" >/dev/null 2>&1; then
            echo "PASS $name" >>/result
            return
        fi
        read -rt 0.5 <> <(:) || true
    done
    echo "FAIL $name" >>/result
}
tags() { timeout 20 wavetag watch --socket /run/wavetag/wavetag.sock --format json | grep -m 5 '"type":"tags"'; }
main() { systemctl show -P MainPID wavetag.service; }
rm -f /result
systemctl start wavetag.socket
check 'the socket is there before the service' test -S /run/wavetag/wavetag.sock
check 'its mode and group are 0660 and audio' test "$(stat -c '%a %G' /run/wavetag/wavetag.sock)" = '660 audio'
check 'a client starts the service and reads tags' tags
check 'the service told systemd that it is ready' systemctl is-active wavetag.service
check 'it runs as a user made for it' test "$(stat -c %U /proc/$(main))" != root
check 'the watchdog is set' test "$(systemctl show -P WatchdogUSec wavetag.service)" = 30s
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

# Reload: another model, by its name, and another hop, in the same process.
good='{"device": "noise", "capture": {"pace": "realtime"}, "model": "/usr/share/wavetag/other.safetensors"'
settings() { echo "$1" >/etc/wavetag/wavetag.json; }
hello() { timeout 20 wavetag watch --socket /run/wavetag/wavetag.sock --format json | grep -m 1 '"type":"hello"' | grep "\"name\":\"$1\""; }
said() { journalctl -u wavetag.service --no-pager | grep -E "$1"; }
cp /usr/share/wavetag/default.safetensors /usr/share/wavetag/other.safetensors
before=$(main)
settings "$good, \"hop\": 2187}"
systemctl reload wavetag.service
check 'reloaded, it answers with the other model' hello other
check 'and says so in the journal' said 'hop 2187.*reloaded'
settings '{"hop": 0}'
systemctl reload wavetag.service
check 'a bad setting is refused, with its reason in the journal' said 'hop: a whole number from 1.*reload refused'
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
    systemctl reload wavetag.service
    check 'out of memory, it is killed, and the journal says why' said "$why"
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
check 'it stops with success' test "$(systemctl show -P Result wavetag.service)" = success
journalctl -u wavetag.service --no-pager | tail -n 80 >/journal
sync
systemctl poweroff
CHECK
chmod +x "$root/usr/local/bin/check-wavetag"
cat >"$root/etc/systemd/system/check-wavetag.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/local/bin/check-wavetag
SuccessAction=poweroff-force
FailureAction=poweroff-force
TimeoutStartSec=300
UNIT
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -sf ../check-wavetag.service "$root/etc/systemd/system/default.target.wants/check-wavetag.service"
rm -f "$root/result" "$root/journal"

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

timeout 400 systemd-nspawn -D "$root" --register=no --keep-unit --boot >"$root.boot.log" 2>&1 || true
kill "$outside" 2>/dev/null || true
rmdir /sys/fs/cgroup/memory/*/*/wavetag-oom /sys/fs/cgroup/memory/wavetag-oom 2>/dev/null || true
[ -s "$root/result" ] || {
    tail -n 20 "$root.boot.log"
    skip "the container did not boot"
}
cat "$root/result"
if grep -q FAIL "$root/result"; then
    cat "$root/journal"
    exit 1
fi
