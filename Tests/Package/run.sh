#!/usr/bin/env bash
# The Debian package in a Debian that really boots: installed, upgraded under load, removed, purged. `make test-package`
# (root; some minutes the first time).
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

package=$(ls .build/wavetag_*_"$(dpkg --print-architecture)".deb | tail -n 1)
root=$PWD/.run/package
mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 -v security || true)
if [ ! -e "$root/.complete" ]; then
    rm -rf "$root"
    mkdir -p "$root"
    # What the package depends on comes with the system, so that the boot needs no network.
    needed=$(dpkg-deb -f "$package" Depends | sed 's/([^)]*)//g; s/|[^,]*//g; s/ //g')
    debootstrap --variant=minbase --include="systemd,systemd-sysv,dbus,procps,$needed" bookworm "$root" \
        ${mirror:+"$mirror"} >"$root.log" 2>&1 || skip "debootstrap failed: $(tail -n 1 "$root.log")"
    touch "$root/.complete"
fi
chroot "$root" dpkg --purge wavetag >/dev/null 2>&1 || true
rm -rf "$root/etc/wavetag" "$root/packages"

# The same package a version later.
mkdir "$root/packages"
cp "$package" "$root/packages/old.deb"
next=$(mktemp -d)
dpkg-deb -R "$package" "$next"
sed -i 's/^Version: .*/&+next/' "$next/DEBIAN/control"
dpkg-deb --root-owner-group -b "$next" "$root/packages/new.deb" >/dev/null
rm -rf "$next"

# A device that every container has: ALSA's file plugin over twenty seconds of noise, read in real time.
head -c 3528000 /dev/urandom >"$root/packages/noise.raw"
cat >"$root/etc/asound.conf" <<'CONFIGURATION'
pcm.noise {
    type file
    slave.pcm { type null }
    file "/dev/null"
    infile "/packages/noise.raw"
    format "raw"
}
CONFIGURATION

cat >"$root/usr/local/bin/check-package" <<'CHECK'
#!/bin/bash
# Runs inside. A check is a command that succeeds within half a minute.
exec 2>>/errors
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
socket=/run/wavetag/wavetag.sock
tags() { timeout 20 wavetag watch --format json | grep -m 5 '"type":"tags"'; }
state() { [ "$(systemctl show -P "$2" "$1")" = "$3" ]; }
export DEBIAN_FRONTEND=noninteractive
before=$(find / -xdev -path /packages -prune -o -name '*wavetag*' -print | sort)

dpkg -i /packages/old.deb >>/dpkg 2>&1
check 'installed, the socket listens' test -S $socket
check 'its mode and group are 0660 and audio' test "$(stat -c '%a %G' $socket)" = '660 audio'
check 'service and socket are enabled' systemctl is-enabled wavetag.service wavetag.socket
check 'the manual is there' test -s /usr/share/man/man1/wavetag.1.gz -a -s /usr/share/man/man5/wavetag.conf.5.gz
check 'the service waits for a device that is not there' state wavetag.service ActiveState active
echo '{"device": "noise", "capture": {"pace": "realtime"}}' >/etc/wavetag/wavetag.json
systemctl restart wavetag.service
check 'tags flow from an ALSA device' tags
check 'the service told systemd that it is ready' systemctl is-active wavetag.service

# Sixteen clients read on while the package is upgraded under them.
for client in $(seq 16); do
    wavetag watch --format json --every 0.5 >/client.$client 2>/dev/null &
done
all() {
    for client in $(seq 16); do
        [ "$(grep -c "$1" /client.$client)" -ge "$2" ] || return 1
    done
}
check 'sixteen clients read tags' all '"type":"tags"' 2
dpkg -i /packages/new.deb >>/dpkg 2>&1
check 'upgraded' sh -c "dpkg-query -W -f '\${Version}' wavetag | grep -q next"
check 'the settings were kept' grep -q noise /etc/wavetag/wavetag.json
# Each client sees a second hello: it has found the new daemon.
check 'all sixteen have reconnected' all '"type":"hello"' 2
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
cat /dpkg /errors >/journal
journalctl -u wavetag.service --no-pager | tail -n 40 >>/journal
sync
systemctl poweroff
CHECK
chmod +x "$root/usr/local/bin/check-package"
cat >"$root/etc/systemd/system/check-package.service" <<'UNIT'
[Unit]
After=multi-user.target
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/usr/local/bin/check-package
TimeoutStartSec=400
UNIT
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -sf ../check-package.service "$root/etc/systemd/system/default.target.wants/check-package.service"
rm -f "$root"/{result,journal,errors,dpkg} "$root"/client.*

timeout 500 systemd-nspawn -D "$root" --register=no --keep-unit --boot >"$root.boot.log" 2>&1 || true
[ -s "$root/result" ] || {
    tail -n 20 "$root.boot.log"
    skip "the container did not boot"
}
cat "$root/result"
if grep -q FAIL "$root/result"; then
    cat "$root/journal"
    exit 1
fi
