#!/usr/bin/env bash
# The units as shipped, in a virtual machine with a kernel of its own: a sound card that is pulled out and comes back under
# another number, a clock that drifts, sleep, real-time priority, limits on memory. make test-machine (root; some minutes).
#
# Prints a line a check, PASS or FAIL; SKIPPED with the reason where no machine can run.
set -euo pipefail
cd "$(dirname "$0")/../.."
. Tests/Booted/boot.sh
[ "$(id -u)" = 0 ] || skip "not root"
for program in debootstrap qemu-system-x86_64 mke2fs; do
    command -v "$program" >/dev/null || skip "no $program"
done

root=$PWD/.run/machine
prepare_debian systemd,systemd-sysv,dbus,udev,kmod,alsa-utils,linux-image-amd64,libasound2,libhdf5-103-1,libopenblas0-pthread,libsndfile1,libsoxr0,libsystemd0,libssl3,libatomic1
install_wavetag
# Small, so that it keeps up on an emulated processor too.
install -m 644 Tests/Fixtures/nets/3-8-padding0.safetensors "$root/usr/share/wavetag/default.safetensors"
noise >"$root/usr/share/wavetag/noise.raw"

boot_machine_and_check 700 <<'CHECK'
# A card whose outputs are heard at its inputs, each at the other device.
modprobe snd-aloop
play() {
    while :; do
        aplay -q -D "hw:CARD=Loopback,DEV=$1" -f S16_LE -r 44100 -c 2 -t raw /usr/share/wavetag/noise.raw
        read -rt 0.2 <> <(:)
    done
}
play 0 &
play 1 &
status() { timeout 10 wavetag watch --status --format json | grep -m 1 -o "\"$1\":[^,}]*" | cut -d : -f 2; }
# counts NAME VALUE
counts() { [ "$(status "$1")" = "$2" ]; }
pause() { read -rt "$1" <> <(:); }

settings '{"device": "hw:CARD=Loopback,DEV=1"}'
systemctl start wavetag.socket
check 'tags from a sound card, by its id, under the shipped limits' tags
timeout 600 wavetag watch --format json --every 0.2 >/client &
check 'the capture thread has real-time priority' \
    sh -c "grep -h '(capture)' /proc/$(main)/task/*/stat | cut -d ' ' -f 41 | grep -qx 1"
check 'no other thread has' \
    sh -c "[ \$(cat /proc/$(main)/task/*/stat | cut -d ' ' -f 41 | grep -cx 1) = 1 ]"
check 'its memory is limited' grep -qx 268435456 /sys/fs/cgroup/system.slice/wavetag.service/memory.max
check 'no sample is lost' counts lost_samples 0

driver=/sys/bus/platform/drivers/snd_aloop
echo snd_aloop.0 >$driver/unbind
check 'the card pulled out is said' said 'device lost'
modprobe snd-dummy
echo snd_aloop.0 >$driver/bind
check 'it comes back under another number' test "$(readlink /proc/asound/Loopback)" = card1
check 'and is heard again' counts device_running true
check 'by the same client, with a gap' \
    sh -c "sed '1,/\"reason\":\"device-lost\"/d' /client | grep -q '\"type\":\"tags\"'"
check 'one loss is counted' counts device_losses 1

amixer -q -c Loopback cset "iface=PCM,name='PCM Rate Shift 100000',device=1" 100500
pause 15
drift() { status drift_ppm | awk '{ a = $1 < 0 ? -$1 : $1; ok = a > 4000 && a < 6000 } END { exit !ok }'; }
check 'a clock that is 5000 ppm off is told in status' drift
check 'and loses nothing' counts gaps 1
amixer -q -c Loopback cset "iface=PCM,name='PCM Rate Shift 100000',device=1" 100000

rtcwake -m mem -s 5
check 'the machine slept: a gap' grep -q '"reason":"suspended"' /client
check 'counted' counts suspensions 1
check 'and tags again' sh -c "sed '1,/\"reason\":\"suspended\"/d' /client | grep -q '\"type\":\"tags\"'"
check 'no clock was set by it' counts clock_jumps 0
date -s '+1 hour'
check 'a clock set an hour forward is counted' counts clock_jumps 1

before=$(main)
settings '{"device": "/dev/snd/by-path/platform-snd_aloop.0"}'
systemctl restart wavetag.service
check 'tags from the card by its place' tags

before=$(main)
kill -STOP "$before"
pause 15
check 'a program that hangs is ended by the watchdog, and the journal says so' said 'Watchdog timeout'
check 'and started again' sh -c "[ \"\$(systemctl show -P MainPID wavetag.service)\" -gt 0 ] && [ \"\$(systemctl show -P MainPID wavetag.service)\" != $before ]"
check 'and serves tags' tags

# It must not go on in swap, too slowly for its sound.
fallocate -l 256M /swap
chmod 600 /swap
mkswap /swap >/dev/null
swapon /swap
check 'there is swap' grep -q /swap /proc/swaps
# Less than it has now; what it is started again with is as little, until somebody gives it more.
restarts=$(systemctl show -P NRestarts wavetag.service)
systemctl set-property --runtime wavetag.service MemoryMax=8M
check 'out of memory it is killed, and the journal says why' said "Failed with result 'oom-kill'"
check 'and it is started again' sh -c "[ \"\$(systemctl show -P NRestarts wavetag.service)\" -gt $restarts ]"
systemctl set-property --runtime wavetag.service MemoryMax=256M
check 'with enough, it comes up by itself' tags
check "and no runtime's complaints are in the journal" sh -c '! journalctl -u wavetag.service | grep "Failed to set thread"'
systemctl stop wavetag.service
check 'it stops with success' state wavetag.service Result success
CHECK
