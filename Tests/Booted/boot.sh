# What the tests in a booted Debian share, sourced by Tests/Container/run.sh, Tests/Machine/run.sh and Tests/Package/run.sh,
# which stand in the checkout's folder: a Debian that systemd-nspawn or a virtual machine boots, an ALSA device in it, and
# checks that run inside.

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
    [ "$(cat "$root/.complete" 2>/dev/null)" != "$1" ] || return 0
    rm -rf "$root"
    mkdir -p "$root"
    # The mirror that this machine's own apt uses.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 2>/dev/null | grep -m1 -v security || true)
    debootstrap --variant=minbase --include="$1" bookworm "$root" ${mirror:+"$mirror"} >"$root.log" 2>&1 ||
        skip "debootstrap failed: $(tail -n 1 "$root.log")"
    echo "$1" >"$root/.complete"
}

# The program that was built here and its units, in $root.
install_wavetag() {
    local binary=$PWD/.build/release/wavetag
    install -D -m 755 "$binary" "$root/usr/bin/wavetag"
    # Swift's runtime libraries, wherever this machine has them.
    mkdir -p "$root/usr/lib/wavetag"
    ldd "$binary" | awk '/swift/ && $3 ~ /^\// {print $3}' | xargs -r cp -t "$root/usr/lib/wavetag"
    echo /usr/lib/wavetag >"$root/etc/ld.so.conf.d/wavetag.conf"
    chroot "$root" ldconfig
    install -D -m 644 models/default.safetensors "$root/usr/share/wavetag/default.safetensors"
    install -m 644 systemd/wavetag.service systemd/wavetag.socket "$root/etc/systemd/system/"
    install -D -m 644 -t "$root/usr/lib/systemd/catalog" systemd/wavetag.catalog
    mkdir -p "$root/etc/wavetag"
}

# prepare_device NAME FOLDER: an ALSA device that every container can have: the file plugin over what comes from the standard
# input, in FOLDER as the container sees it.
prepare_device() {
    mkdir -p "$root$2"
    cat >"$root$2/$1.raw"
    cat >>"$root/etc/asound.conf" <<CONFIGURATION
pcm.$1 {
    type file
    slave.pcm { type null }
    file "/dev/null"
    infile "$2/$1.raw"
    format "raw"
}
CONFIGURATION
}

# Twenty seconds of it.
noise() { head -c 3528000 /dev/urandom; }

# write_checks SECONDS: has the standard input's script run when $root is booted, for so long at most. It writes a line a
# check to /result and has `check NAME COMMAND`, which succeeds when the command, or function, does within half a minute; it
# ends by powering the machine off.
write_checks() {
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
main() { systemctl show -P MainPID wavetag.service; }
tags() { timeout 20 wavetag watch --format json | grep -m 5 '"type":"tags"'; }
settings() { echo "$1" >/etc/wavetag/wavetag.json; }
# said PATTERN [SINCE]
said() { journalctl -u wavetag.service --no-pager ${2:+--since "$2"} | grep -E "$1"; }
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
    # A former boot's journal, and what its services kept, would answer for this one.
    rm -rf "$root"/var/log/journal/* "$root"/var/lib/{,private/}wavetag-store
}

# Prints what the checks have said; on a failure the script's /journal, too.
report_checks() {
    touch "$root/result"
    cat "$root/result"
    # A script that was ended before its end has checked too little, whatever it has checked.
    if [ ! -e "$root/done" ]; then
        tail -n 20 "$root.boot.log"
        echo "FAIL the system did not come to the end of its checks"
        exit 1
    fi
    if grep -q FAIL "$root/result"; then
        cat "$root/journal"
        exit 1
    fi
}

# boot_and_check SECONDS: boots $root in a container, with the standard input's script.
boot_and_check() {
    write_checks "$1"
    timeout $(($1 + 100)) systemd-nspawn -D "$root" --register=no --keep-unit --boot >"$root.boot.log" 2>&1 || true
    report_checks
}

# boot_machine_and_check SECONDS: boots a copy of $root in a virtual machine, with a kernel of its own. Its processor is
# emulated unless MACHINE_ACCELERATOR is kvm: not every /dev/kvm works.
boot_machine_and_check() {
    write_checks "$1"
    rm -f "$root.image"
    mke2fs -q -t ext4 -d "$root" "$root.image" 3G >"$root.boot.log" 2>&1
    timeout $(($1 + 100)) qemu-system-x86_64 -accel "${MACHINE_ACCELERATOR:-tcg}" -cpu max -smp 2 -m 1536 -nographic -no-reboot \
        -kernel "$(ls "$root"/boot/vmlinuz-* | tail -n 1)" -initrd "$(ls "$root"/boot/initrd.img-* | tail -n 1)" \
        -append 'root=/dev/vda rw console=ttyS0 mitigations=off' -drive "file=$root.image,if=virtio,format=raw" -nic none \
        </dev/null >>"$root.boot.log" 2>&1 || true
    # A machine that was not shut down in order has a journal of its file system to be played first.
    e2fsck -fy "$root.image" >>"$root.boot.log" 2>&1 || true
    for file in result journal done; do
        debugfs -R "dump /$file $root/$file" "$root.image" 2>>"$root.boot.log"
    done
    # debugfs makes an empty file of one that isn't there.
    debugfs -R 'stat /done' "$root.image" 2>&1 | grep -q '^Inode' || rm -f "$root/done"
    rm -f "$root.image"
    report_checks
}
