#!/usr/bin/env bash
# Shows live tags in this terminal: of the demo piece through ALSA's `file` device in real time, or of the sound
# card that is named:  demo/run.sh [hw:1]
set -euo pipefail
cd "$(dirname "$0")/.."
wavetag=$PWD/.build/release/wavetag
model=$PWD/models/default.safetensors
cache=$PWD/.run
temporary=$(mktemp -d)
daemon=
finish() {
    [ -z "$daemon" ] || kill "$daemon" 2>/dev/null || true
    [ -z "$daemon" ] || wait "$daemon" 2>/dev/null || true
    rm -rf "$temporary"
}
trap finish EXIT
trap 'exit 0' INT TERM

if [ $# -gt 0 ] && [ -n "$1" ]; then
    arguments=(--device "$1")
else
    mkdir -p "$cache"
    if [ ! -s "$cache/demo.raw" ] || [ demo/compose.py -nt "$cache/demo.raw" ]; then
        echo "rendering the demo piece"
        python3 demo/compose.py "$temporary/demo.mid"
        fluidsynth -ni -q -g 0.6 -r 44100 -O s16 -F "$temporary/demo.wav" \
            /usr/share/sounds/sf2/FluidR3_GM.sf2 "$temporary/demo.mid" >/dev/null
        python3 - "$temporary/demo.wav" "$temporary/demo.raw" <<'PYTHON'
import sys, wave
with wave.open(sys.argv[1]) as sound, open(sys.argv[2], "wb") as raw:
    assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (2, 2, 44100)
    raw.write(sound.readframes(40 * 44100))
PYTHON
        mv "$temporary/demo.wav" "$cache/demo.wav"
        mv "$temporary/demo.raw" "$cache/demo.raw"
    fi
    # A real ALSA device without a clock: it delivers as fast as it is read, so the daemon reads in real time.
    cat >"$temporary/asound.conf" <<CONFIGURATION
pcm.wavetag_demo {
    type file
    slave.pcm { type null }
    file "/dev/null"
    infile "$cache/demo.raw"
    format "raw"
}
CONFIGURATION
    export ALSA_CONFIG_PATH=$temporary/asound.conf
    arguments=(--device wavetag_demo --rate 44100 --channels 2 --pace realtime --duration 40)
fi

"$wavetag" run "${arguments[@]}" --model "$model" --socket "$temporary/wavetag.sock" --log-level warning &
daemon=$!
# A daemon that can't hear its device ends before there is a socket; its line has said why.
while [ ! -S "$temporary/wavetag.sock" ] && kill -0 "$daemon" 2>/dev/null; do sleep 0.05; done
# Ends when the daemon does: after the piece, or at Ctrl-C.
[ ! -S "$temporary/wavetag.sock" ] || "$wavetag" watch --socket "$temporary/wavetag.sock" --once --top 5 || true
status=0
wait "$daemon" || status=$?
daemon=
exit $status
