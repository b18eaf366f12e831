"""Every command and every other block of code in README.md and docs/, page by page in their order, and what the test does
with it. A command is named by its beginning; what runs is what the page says.

What can't be run here is a Skip, with the reason. A block that isn't in this list, or not in this order, fails the test.
"""

from actions import Live, Run, Skip, Start, Text

DAEMON = "wavetag run --device plughw:1"
LISTENING = r"listening$"
SHORT = "one epoch instead of all: minutes instead of hours"
TRAINED = r"safetensors: \d+ epochs?;"
TAGS = r'^\{"type":"tags",'
WINDOW = r'^\{"techno":0\.\d+,'
TOO_LONG = "hours of training"
# From README.md; here for a page that is run alone.
MINE = (
    "[ -e mine.safetensors ] || wavetag train net --init models/default.safetensors --net 3^9 --new-tags --freeze 9 --epochs 1"
    " --data music/manifest.tsv --out mine.safetensors"
)
BOOTED = "wants a booted systemd: make test-container and make test-package do the like of it in one"

PAGES = {
    "README.md": {
        "setup": [],
        "blocks": [
            ("make run", Live(r"now: .*\b0\.\d\d", seconds=300)),
            ("make test", Skip("what runs this runs that")),
            ("sudo ln -s", Run()),
            ("wavetag devices", Run(r"plughw")),
            ("wavetag run --device plughw:1 --socket", Start(LISTENING)),
            ("wavetag watch --socket /tmp/wavetag.sock --wait", Live(r"^\d{4}-\d\d-\d\dT.*now: .*song: ")),
            ("wavetag watch --socket /tmp/wavetag.sock --format json | jq", Live(WINDOW)),
            ("wavetag tag --format text --every 5", Run(r"^00:0\d\.\d+  \w+\*? +\d\.\d\d .*\| song ")),
            (
                "wavetag tag --format csv *.mp3",
                # A header, the first file's windows, the second's; of each a probability for each tag.
                Run(
                    r"\Afile,position,seconds(,[\w -]+)+\n(one\.mp3,\d+,\d+\.\d+(,[01]\.\d{4})+\n)+"
                    r"(two\.mp3,\d+,\d+\.\d+(,[01]\.\d{4})+\n)+\Z",
                    before="test -s one.mp3 -a -s two.mp3",
                    append="&& cat tags.csv && awk -F, '{ print NF }' tags.csv | sort -u | wc -l | grep -qx 1",
                ),
            ),
            ("wavetag watch --socket /tmp/wavetag.sock --format json --every 1 |", Live(r"^techno at \d+$")),
            ("wavetag train net --init", Run(TRAINED, append="--epochs 1", why=SHORT)),
            ("wavetag run --model mine.safetensors", Live(LISTENING)),
            ("wavetag run --precision int8", Live(LISTENING)),
            ("wavetag quantize", Run(r"^\d+ bytes in, \d+ bytes out$", seconds=300)),
        ],
    },
    "CONTRIBUTING.md": {
        "setup": [],
        "blocks": [
            ("make run && make test", Skip("make run is run from README.md; what runs this runs make test")),
            ("make format lint", Skip("would rewrite the sources that are being tested; CI runs make lint")),
        ],
    },
    "docs/calibration.md": {
        "setup": [MINE],
        "blocks": [
            ("wavetag calibrate", Run(r"calibrated\.safetensors")),
            ("wavetag evaluate --model calibrated.safetensors", Run(r"false alarms")),
        ],
    },
    "docs/configuration.md": {
        "setup": [],
        "blocks": [(
                "wavetag: wavetag.json:",
                Text("error", """echo '{"silence": {"level": "loud"}}' >wavetag.json; wavetag run --config wavetag.json"""),
            ), ("{", Text("configuration"))],
    },
    "docs/datasets.md": {
        "setup": [],
        "blocks": [("wavetag dataset gtzan gtzan", Run(before="python3 Tests/Docs/gtzan.py gtzan"))],
    },
    "docs/devices.md": {
        "setup": [],
        "blocks": [
            ("pcm.song {", Text("alsa")),
            ("wavetag run --device song", Live(r"device opened", before="cp /tmp/docs/sound.raw /tmp/song.raw")),
            ("wavetag run --device plughw:/dev/snd/by-id", Skip("no such card here")),
        ],
    },
    "docs/evaluation.md": {"setup": [MINE], "blocks": [("wavetag gallery", Run(r"gallery\.html"))]},
    "docs/events.md": {
        "setup": [Start(LISTENING, DAEMON + " --socket /tmp/wavetag.sock")],
        "blocks": [
            ('{"subscribe":', Text("requests")),
            ("echo '{\"subscribe\":", Live(TAGS + r'.*"window":\{("[^"]+":0\.\d{4},?){3}\}')),
        ],
    },
    "docs/features.md": {
        "setup": [],
        "blocks": [
            ("wavetag extract --model M", Skip("a synopsis: its options are compared with the program's")),
            ("import json", Text("python")),
            ("wavetag train classifier --model M", Skip("a synopsis: its options are compared with the program's")),
        ],
    },
    "docs/import.md": {
        "setup": [],
        "blocks": [
            (
                "wavetag import weight_msdTag.hdf5",
                # A small net in that layout, of three tags.
                Run(
                    r"^msd\.safetensors: net 4\^6",
                    before="cd Tests/Fixtures/checkpoints; cp keras1-four.h5 ../../../weight_msdTag.hdf5;"
                    " cp keras1-four.json ../../../architecture_msdTag.json; cp tags.txt ../../../50tagList.txt",
                ),
            ),
            ("wavetag inspect msd.safetensors", Run(r"4\^6")),
            ("wavetag: weights.hdf5:", Text()),
        ],
    },
    "docs/incremental.md": {
        "setup": [],
        "blocks": [("wavetag inspect --plan --hop 729", Run(r"multiply-adds"))],
    },
    "docs/model-file.md": {
        "setup": [],
        "blocks": [
            ('{"sample_rate"', Text("json")),
            ("import json, struct, numpy", Text("python")),
            ("wavetag: model.safetensors:", Text()),
            ("import json, struct", Text("python")),
        ],
    },
    "docs/operation.md": {
        "setup": [
            Start(
                r"^ready$",
                "mkdir -p /run/log/journal; /lib/systemd/systemd-journald &"
                " until [ -S /run/systemd/journal/stdout ]; do sleep 0.1; done; echo ready; wait",
            ),
            Start(r"mosquitto version .* running", "exec mosquitto -v"),
            "mkdir -p /run/wavetag-metrics /var/lib/prometheus/node-exporter",
            Start(LISTENING, "WAVETAG_METRICS_INTERVAL=1 WAVETAG_METRICS_FILE=/run/wavetag-metrics/wavetag.prom " + DAEMON),
            Start(r"Listening on", "exec prometheus-node-exporter --web.listen-address=127.0.0.1:9100 2>&1"),
        ],
        "blocks": [
            ("# /etc/systemd/system/wavetag.service.d/metrics.conf", Text("units")),
            (
                "ln -sf /run/wavetag-metrics/wavetag.prom",
                Live(
                    r"^wavetag_heard_samples_total [1-9]",
                    observe="until curl -s http://127.0.0.1:9100/metrics | grep -E '^wavetag_heard_samples_total [1-9]'; do sleep 0.2; done",
                ),
            ),
            ("# /etc/prometheus/rules/wavetag.yml", Text("alerts")),
            ("wavetag watch --metrics", Run(r"^# TYPE wavetag_heard_samples_total counter\nwavetag_heard_samples_total \d+$")),
            ("wavetag watch --status", Live(r"^status: position \d+, hop 729, ")),
            ("wavetag watch --status --format json |", Live(r'"device_running": true')),
            (
                "journalctl -u wavetag MESSAGE_ID=",
                Run(
                    r"device lost: reason=cable",
                    before="printf 'MESSAGE_ID=%s\\nMESSAGE=device lost: reason=cable\\n' 5c2d1b67df7040978bfd85827910b666"
                    " | logger --journald; journalctl --sync",
                    replace=("-u wavetag", "-D /run/log/journal"),
                    why="without a booted systemd nothing is a unit's",
                ),
            ),
            (
                "journalctl -u wavetag -o json",
                Run(
                    r"^\d+\t441\toverrun$",
                    before="printf 'MESSAGE=sound was lost\\nWAVETAG_SAMPLES=441\\nWAVETAG_REASON=overrun\\n'"
                    " | logger --journald; journalctl --sync",
                    replace=("-u wavetag", "-D /run/log/journal"),
                    why="without a booted systemd nothing is a unit's",
                ),
            ),
            (
                "wavetag watch --format json --output-dir",
                Live(TAGS, observe="until cat /var/lib/tags/tags-*.ndjson 2>/dev/null | grep 'type.:.tags'; do sleep 0.2; done"),
            ),
            ("# /etc/systemd/system/wavetag-store.service", Text("units")),
            (
                "jq -r 'select(.type == \"tags\")",
                Run(
                    r"^ +\d+ techno$",
                    before="wavetag tag --every 1 song.flac > tags-2026-11-25.ndjson",
                ),
            ),
            ("jq -c 'select(.type == \"song\")", Run(r'^\[\d+\.\d+,\["\w+","\w+","\w+"\]\]$')),
            (
                "wavetag watch --format json --every 1 | jq --unbuffered -c",
                Live(r'^wavetag/window \{"techno":', observe="mosquitto_sub -v -t 'wavetag/window'"),
            ),
            (
                "wavetag watch --format json --every 5 |",
                Live(r"^wavetag/tag/piano 0\.\d+\nwavetag/tag/techno 0\.\d+$", observe="mosquitto_sub -v -t 'wavetag/tag/#'"),
            ),
            ("wavetag watch --format json --every 0.2 |", Live(r"techno: on\n(.*\n)*techno: off\n")),
            (
                "# /etc/systemd/system/techno-heard.service",
                Text("units", "techno-heard.service", "until [ -e /run/techno/heard ]; do sleep 0.2; done; echo heard"),
            ),
            ("echo '{\"subscribe\":", Live(WINDOW[:3] + r'"\w+":0\.\d+,"\w+":0\.\d+,"\w+":0\.\d+\}$')),
        ],
    },
    "docs/performance.md": {
        "setup": [],
        "blocks": [
            ("make bench-peers", Skip("half an hour, and packages of PyPI beside which it is timed")),
            (
                "wavetag bench --curve --net 3^9",
                Live(
                    r"^hop/3\^9/1 +1 +\d+\.\d ",
                    replace=("wavetag bench", "stdbuf -oL wavetag bench"),
                    why="its first line is enough to see that it works; all take minutes",
                    seconds=120,
                ),
            ),
            ("python3 Benchmarks/curve.py", Skip("draws what the line above prints, from a minute of measuring")),
        ],
    },
    "docs/quantisation.md": {
        "setup": [
            "cp models/default.safetensors float.safetensors",
            # Sounds with tags that this model knows.
            r"sed -i 's/\twhistle$/\tflute/; s/\tbuzz$/\tsynth/; s/\tclicks$/\tdrums/; s/\thiss$/\tnoise/' manifest.tsv",
        ],
        "blocks": [
            ("wavetag quantize", Run(r"^\d+ bytes in, \d+ bytes out$", seconds=300)),
            ("wavetag run --model int8.safetensors", Live(LISTENING)),
            ("wavetag evaluate --model int8.safetensors --against", Run(r"^probabilities apart: mean \d\.\d+")),
        ],
    },
    "docs/reproduction.md": {
        "setup": [],
        "blocks": [
            ("wavetag reproduce table1 --model 3-9", Skip(TOO_LONG + ", on data sets that can't be fetched here")),
            ("wavetag reproduce table2 --model 3-8", Skip(TOO_LONG + ", on data sets that can't be fetched here")),
            ("wavetag reproduce figure2", Skip(TOO_LONG + ", on data sets that can't be fetched here")),
            ("train()", Skip(TOO_LONG)),
            ("train 3^9", Skip(TOO_LONG)),
            ("train 3^8", Skip(TOO_LONG)),
            ("train 4^6", Skip(TOO_LONG)),
            ("wavetag reproduce table2 --model 3-9", Skip(TOO_LONG)),
            ("wavetag reproduce table1 --net 3^9", Skip(TOO_LONG)),
        ],
    },
    "docs/systemd.md": {
        "setup": [Start(LISTENING, DAEMON)],
        "blocks": [
            ("make deb", Skip("builds all of it again: make test-package does this")),
            ("sudo apt install", Skip(BOOTED)),
            ("wavetag watch", Live(r"now: ")),
            ("cp .build/release/wavetag", Run()),
            ("install -D models/default.safetensors", Run()),
            ("cp systemd/wavetag", Run()),
            ("systemctl enable --now", Skip(BOOTED)),
            ("wavetag watch", Live(r"now: ")),
        ],
    },
    "docs/training.md": {
        "setup": [],
        "blocks": [
            ("python3 demo/four_sounds.py", Run(append="6 2", why="a few sounds: seconds instead of minutes")),
            ("wavetag train net --net 3^7", Run(TRAINED, append="--epochs 2", why=SHORT)),
            ("wavetag evaluate --model /tmp/four.safetensors", Run(r"ROC-AUC")),
            ("wavetag tag --model /tmp/four.safetensors", Run(r"\| song ")),
            ("wavetag run --model /tmp/four.safetensors", Live(LISTENING)),
            ("path\tsplit\ttags", Text()),
            ("wavetag train net --net 3^9 --data", Skip("the papers' net at full width: hours")),
            ("wavetag train net --net 3^9 --widths", Run(TRAINED, append="--epochs 1", why=SHORT)),
            ("wavetag train net --init", Run(TRAINED, append="--epochs 1", why=SHORT)),
            ("wavetag train net --net 3^9 --widths", Skip(TOO_LONG + ", on a corpus that is made by recipes/default")),
            ("wavetag evaluate --model corpus.safetensors", Skip("follows on that")),
        ],
    },
}
