#!/usr/bin/env bash
# The Debian package in a Debian that really boots: installed, upgraded under load, removed, purged. `make test-package`
# (root; some minutes the first time).
#
# Prints a line a check, PASS or FAIL; SKIPPED with the reason where no container can run.
set -euo pipefail
cd "$(dirname "$0")/../.."
. Tests/Booted/boot.sh
wants_containers

package=$(ls .build/wavetag_*_"$(dpkg --print-architecture)".deb | tail -n 1)
root=$PWD/.run/package
# What the package depends on comes with the system, so that the boot needs no network.
needed=$(dpkg-deb -f "$package" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/ //g')
prepare_debian "systemd,systemd-sysv,dbus,procps,$needed"
chroot "$root" dpkg --purge wavetag >/dev/null 2>&1 || true
rm -rf "$root/etc/wavetag" "$root/packages"

# The same package a version later, with other settings to begin with.
mkdir "$root/packages"
cp "$package" "$root/packages/old.deb"
next=$(mktemp -d)
dpkg-deb -R "$package" "$next"
sed -i 's/^Version: .*/&+next/' "$next/DEBIAN/control"
echo '{"device": "default", "hop": 2187}' >"$next/etc/wavetag/wavetag.json"
dpkg-deb --root-owner-group -b "$next" "$root/packages/new.deb" >/dev/null
rm -rf "$next"

rm -f "$root/etc/asound.conf"
noise | prepare_device noise /packages

boot_and_check 400 <<'CHECK'
export DEBIAN_FRONTEND=noninteractive
before=$(find / -xdev -path /packages -prune -o -name '*wavetag*' -print | sort)

dpkg -i /packages/old.deb >>/dpkg 2>&1
check 'installed, the socket listens' test -S $socket
check 'its mode and group are 0660 and audio' test "$(stat -c '%a %G' $socket)" = '660 audio'
check 'service and socket are enabled' systemctl is-enabled wavetag.service wavetag.socket
check 'the manual is there' test -s /usr/share/man/man1/wavetag.1.gz -a -s /usr/share/man/man5/wavetag.conf.5.gz -a \
    -s /usr/share/man/man7/wavetag-events.7.gz
check 'the service waits for a device that is not there' state wavetag.service ActiveState active
echo '{"device": "noise", "capture": {"pace": "realtime"}}' >/etc/wavetag/wavetag.json
systemctl restart wavetag.service
check 'tags flow from an ALSA device' tags
check 'the service told systemd that it is ready' systemctl is-active wavetag.service

# Sixteen clients read on while settings and model are read anew, and while the package is upgraded under them.
for client in $(seq 16); do
    wavetag watch --format json --every 0.5 >/client.$client 2>/dev/null &
done
all() {
    for client in $(seq 16); do
        [ "$(grep -c "$1" /client.$client)" -ge "$2" ] || return 1
    done
}
check 'sixteen clients read tags' all '"type":"tags"' 2
process() { systemctl show -P MainPID wavetag.service; }
before_reload=$(process)
cp /usr/share/wavetag/default.safetensors /packages/other.safetensors
echo '{"device": "noise", "capture": {"pace": "realtime"}, "model": "/packages/other.safetensors"}' >/etc/wavetag/wavetag.json
systemctl reload wavetag.service
check 'reloaded, all sixteen hear of the other model' all '"name":"other"' 1
check 'and no sample was lost' sh -c '! grep -h "\"type\":\"gap\"" /client.*'
check 'in the same process' test "$(process)" = "$before_reload"

# The answer to dpkg's question that everybody gives whose settings are changed: keep them.
dpkg --force-confdef --force-confold -i /packages/new.deb >>/dpkg 2>&1
check 'upgraded' sh -c "dpkg-query -W -f '\${Version}' wavetag | grep -q next"
check 'the changed settings were kept' grep -q noise /etc/wavetag/wavetag.json
check "and the new version's lie beside them" grep -q 2187 /etc/wavetag/wavetag.json.dpkg-dist
# Each client sees a third hello: it has found the new daemon.
check 'all sixteen have reconnected' all '"type":"hello"' 3
check 'and tags flow again' tags
kill $(jobs -p)
wait

dpkg --remove wavetag >>/dpkg 2>&1
check 'removed, the program is gone' test ! -e /usr/bin/wavetag
check 'and nothing of it runs' sh -c '! pgrep -x wavetag'
check 'but its settings stay' test -f /etc/wavetag/wavetag.json
dpkg --purge wavetag >>/dpkg 2>&1
left() {
    after=$(find / -xdev -path /packages -prune -o -name '*wavetag*' -print; ls -d /run/wavetag 2>/dev/null)
    [ "$(echo "$after" | sort)" = "$before" ]
}
check 'purged, nothing is left' left
left || { find / -xdev -path /packages -prune -o -name '*wavetag*' -print; ls -d /run/wavetag; } >>/errors
cat /dpkg >>/journal
CHECK
