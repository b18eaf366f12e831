# What the tests in a booted Debian share, sourced by Tests/Container/run.sh and Tests/Package/run.sh, which stand in the
# checkout's folder: a Debian that systemd-nspawn boots, an ALSA device in it, and checks that run inside.

skip() {
    echo "SKIPPED: $1"
    exit 0
}

# Whether containers can be had at all.
wants_containers() {
    [ "$(id -u)" = 0 ] || skip "not root"
    command -v systemd-nspawn >/dev/null || skip "no systemd-nspawn (package systemd-container)"
    command -v debootstrap >/dev/null || skip "no debootstrap"
}

# prepare_debian PACKAGES: a Debian in $root with these packages, made once.
prepare_debian() {
    [ ! -e "$root/.complete" ] || return 0
    rm -rf "$root"
    mkdir -p "$root"
    # The mirror that this machine's own apt uses.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 -v security || true)
    debootstrap --variant=minbase --include="$1" bookworm "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 ||
        skip "debootstrap failed: $(tail -n 1 "$root.log")"
    touch "$root/.complete"
}

# prepare_noise FOLDER: the ALSA device `noise`, which every container can have: the file plugin over twenty seconds, in
# FOLDER as the container sees it.
prepare_noise() {
    mkdir -p "$root$1"
    head -c 3528000 /dev/urandom >"$root$1/noise.raw"
    cat >"$root/etc/asound.conf" <<CONFIGURATION
pcm.noise {
    type file
    slave.pcm { type null }
    file "/dev/null"
    infile "$1/noise.raw"
    format "raw"
}
CONFIGURATION
}

# boot_and_check SECONDS: boots $root, where the standard input's script runs and writes a line a check to /result, and
# prints those; on a failure the script's /journal, too. The script has `check NAME COMMAND`, which succeeds when the
# command, or function, does within half a minute, and ends by powering the machine off.
boot_and_check() {
    {
        cat <<'CHECK'
#!/bin/bash
exec 2>>/errors
check() {
    name=$1
    shift
    until=$((SECONDS + 30))
    while [ "$SECONDS" -lt "$until" ]; do
        if "$@" >/dev/null 2>&1; then
            echo "PASS $name" >>/result
            return
        fi
        read -rt 0.5 <> <(:) || true
    done
    echo "FAIL $name" >>/result
}
# state UNIT PROPERTY VALUE
state() { [ "$(systemctl show -P "$2" "$1")" = "$3" ]; }
socket=/run/wavetag/wavetag.sock
tags() { timeout 20 wavetag watch --format json | grep -m 5 '"type":"tags"'; }
CHECK
        cat
        cat <<'CHECK'
journalctl -u wavetag.service --no-pager | tail -n 40 >>/journal
cat /errors >>/journal
touch /done
sync
systemctl poweroff
CHECK
    } >"$root/usr/local/bin/check-booted"
    chmod +x "$root/usr/local/bin/check-booted"
    cat >"$root/etc/systemd/system/check-booted.service" <<UNIT
[Unit]
After=multi-user.target
FailureAction=poweroff-force
[Service]
Type=oneshot
ExecStart=/usr/local/bin/check-booted
TimeoutStartSec=$1
UNIT
    mkdir -p "$root/etc/systemd/system/default.target.wants"
    ln -sf ../check-booted.service "$root/etc/systemd/system/default.target.wants/check-booted.service"
    # What former versions of these tests left.
    rm -f "$root"/etc/systemd/system/{,default.target.wants/}check-{wavetag,package}.service
    rm -f "$root"/{result,journal,errors,done,dpkg} "$root"/client.*

    timeout $(($1 + 100)) systemd-nspawn -D "$root" --register=no --keep-unit --boot >"$root.boot.log" 2>&1 || true
    touch "$root/result"
    cat "$root/result"
    # A script that was ended before its end has checked too little, whatever it has checked.
    if [ ! -e "$root/done" ]; then
        tail -n 20 "$root.boot.log"
        echo "FAIL the container did not come to the end of its checks"
        exit 1
    fi
    if grep -q FAIL "$root/result"; then
        cat "$root/journal"
        exit 1
    fi
}
