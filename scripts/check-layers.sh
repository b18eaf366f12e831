#!/usr/bin/env bash
# Daemon → Streaming → Core, never back; no device, socket, log or clock below Daemon; no Foundation but its essentials.
set -u
bad=0
forbid() { # folder, pattern, why
    if grep -rnE "$2" "$1"; then
        echo "check-layers: $1: $3" >&2
        bad=1
    fi
}
forbid Sources/Core '^ *(@[a-z_A-Z]+ +)?import (Streaming|Daemon)' 'Core knows nothing above it'
forbid Sources/Streaming '^ *(@[a-z_A-Z]+ +)?import Daemon' 'Streaming knows nothing above it'
for folder in Sources/Core Sources/Streaming; do
    forbid "$folder" '^ *(@[a-z_A-Z]+ +)?import (CALSA|CLinux|CSystemd|NIO[A-Za-z]*|Logging|ServiceLifecycle|ArgumentParser)' \
        'no device, socket or log here'
    forbid "$folder" 'ContinuousClock|SuspendingClock|DispatchTime|clock_gettime|Date\(\)' 'no clock here'
done
forbid Sources '^ *(@[a-z_A-Z]+ +)?import Foundation$' 'brings 31 MB of Unicode data into the package: FoundationEssentials'
while read -r file; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 400 ]; then
        echo "check-layers: $file: $lines lines; is it one thing?" >&2
        bad=1
    fi
done < <(find Sources Tests \( -name '*.swift' -o -name '*.c' -o -name '*.h' \))
exit $bad
