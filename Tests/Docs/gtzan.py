#!/usr/bin/env python3
"""A folder as GTZAN's fault-filtered lists want it, with a tenth of a second of silence for each sound but two."""

import pathlib
import sys
import wave

GENRES = ("blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock")
MISSING = {"rock/rock.00098.wav", "rock/rock.00099.wav"}


def main():
    folder = pathlib.Path(sys.argv[1])
    names = [f"{genre}/{genre}.{number:05}.wav" for number in range(100) for genre in GENRES]
    names = [name for name in names if name not in MISSING]
    start = 0
    for split, count, absent in (("train", 443, sorted(MISSING)), ("valid", 197, []), ("test", 290, [])):
        end = start + count - len(absent)
        folder.mkdir(exist_ok=True)
        (folder / f"{split}_filtered.txt").write_text("\n".join(names[start:end] + absent) + "\n")
        start = end
    for name in names[:start]:
        path = folder / "genres" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(22050)
            sound.writeframes(bytes(4410))


if __name__ == "__main__":
    main()
