"""Where the documentation's commands run: in the checkout, among mounts and a network of their own, with sounds to hear."""

import fcntl
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import wave

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PLACE = pathlib.Path("/tmp/docs")
# What commands write to: they see what is there, and write beside it.
COVERED = ["/tmp", "/etc", "/usr/bin", "/usr/local", "/usr/share", "/var/lib", str(ROOT)]

ALSA = """
# Every sound card is this file.
pcm.default { type plug; slave.pcm "plughw:0" }
pcm.plughw {
    @args [ CARD DEV ]
    @args.CARD { type string default "0" }
    @args.DEV { type string default "0" }
    type file
    slave.pcm { type null }
    file "/dev/null"
    infile "/tmp/docs/sound.raw"
    format "raw"
    hint { show on description "A file for tests" }
}
"""


def enter():
    """Runs the rest of this program in namespaces of its own."""
    if os.environ.get("WAVETAG_DOCS") == "inside":
        return
    if os.getuid() != 0:
        print("SKIPPED: mounts and a network of its own want root")
        sys.exit(0)
    os.environ["WAVETAG_DOCS"] = "inside"
    command = ["unshare", "-mn", sys.executable, *sys.argv]
    os.execvp(command[0], command)


def cover():
    """Lays a file system in memory over everything that commands write to."""
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", "/run"], check=True)
    for number, path in enumerate(COVERED):
        upper, work = f"/run/.docs/{number}/upper", f"/run/.docs/{number}/work"
        os.makedirs(upper)
        os.makedirs(work)
        # As it was: /tmp is everybody's.
        shutil.copystat(path, upper)
        options = f"lowerdir={path},upperdir={upper},workdir={work}"
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, path], check=True)
    os.chdir(ROOT)


def loopback():
    """Brings up the network of this namespace: 127.0.0.1 and nothing else."""
    with socket.socket() as control:
        request = struct.pack("16sH14x", b"lo", 0x41)  # IFF_UP | IFF_RUNNING
        fcntl.ioctl(control, 0x8914, request)  # SIOCSIFFLAGS


def shell(command):
    subprocess.run(["bash", "-ec", command], check=True, stdout=subprocess.DEVNULL)


def frames(sound, start, end):
    sound.setpos(int(start * sound.getframerate()))
    return sound.readframes(int((end - start) * sound.getframerate()))


def prepare(alsa):
    """Sounds and data sets, where the pages have theirs.

    - alsa: more of ALSA's configuration.
    """
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir()
    (PLACE / "asound.conf").write_text(ALSA + alsa)
    os.environ["ALSA_CONFIG_PATH"] = str(PLACE / "asound.conf")
    os.environ["XDG_CACHE_HOME"] = str(PLACE / "cache")
    for name in [name for name in os.environ if name.startswith("WAVETAG_")] + ["JOURNAL_STREAM", "NOTIFY_SOCKET"]:
        os.environ.pop(name, None)
    for path in ("/usr/local/bin/wavetag", "/etc/wavetag/wavetag.json", "/tmp/wavetag.sock"):
        pathlib.Path(path).unlink(missing_ok=True)
    if not shutil.which("sudo"):
        # Root's is the same without it.
        pathlib.Path("/usr/local/bin/sudo").write_text('#!/bin/sh\nexec "$@"\n')
        os.chmod("/usr/local/bin/sudo", 0o755)
    shell(
        f"""
        python3 demo/compose.py {PLACE}/demo.mid
        fluidsynth -ni -q -g 0.6 -r 44100 -O s16 -F {PLACE}/demo.wav /usr/share/sounds/sf2/FluidR3_GM.sf2 {PLACE}/demo.mid
        sndfile-convert {PLACE}/demo.wav song.flac
        python3 demo/four_sounds.py music 6 4
        sed '2,$s,^,music/,' music/manifest.tsv >manifest.tsv
        """
    )
    with wave.open(str(PLACE / "demo.wav")) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (2, 2, 44100)
        # What is techno, and what isn't, again and again.
        piece = frames(sound, 21.5, 31) + frames(sound, 3, 7.5)
    (PLACE / "sound.raw").write_bytes(20 * piece)
    for name, start in (("one", 0), ("two", 21)):
        with wave.open(str(PLACE / "demo.wav")) as sound, wave.open(str(PLACE / f"{name}.wav"), "wb") as part:
            part.setparams(sound.getparams())
            part.writeframes(frames(sound, start, start + 6))
        shell(f"sndfile-convert {PLACE}/{name}.wav {name}.mp3")
    noise = [line for line in pathlib.Path("manifest.tsv").read_text().split("\n")[1:] if "hiss" in line]
    pathlib.Path("noise.tsv").write_text("path\tsplit\ttags\n" + "".join(line.rsplit("\t", 1)[0] + "\t\n" for line in noise))
