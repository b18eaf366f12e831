#!/usr/bin/env python3
"""Fetches the music of Debian packages, and writes a manifest of it with the teacher's labels.

    corpus.py CORPUS [--only PACKAGE ...]

Some 7 GB come through apt, a package at a time; what is music stays in CORPUS/PACKAGE, each package's licences beside
it. What is there is kept, so a run that was stopped goes on. The labels of corpus-labels.tsv.xz and more-labels.tsv.xz
become CORPUS/manifest.tsv; each line of theirs is a window: path and split (where they differ from the line before),
start in seconds, and for each tag thousandths of a probability. The first are of the 20 packages that figures are
measured on, the others (`label.py`) only train. recipes/default/README.md says who gave them.
"""

import argparse
import csv
import glob
import lzma
import os
import shutil
import subprocess
import sys
import tarfile

LABELS = [os.path.join(os.path.dirname(os.path.abspath(__file__)), name)
          for name in ("corpus-labels.tsv.xz", "more-labels.tsv.xz")]
LENGTH = "2.677959"  # 59 049 samples at 22 050 Hz, in seconds
SOUNDS = (".ogg", ".oga", ".opus", ".mp3", ".flac")
# Packages that keep music in an archive, which is unpacked at the top of the package's folder.
ARCHIVES = {"0ad-data": ("public.zip", ["audio/music/*", "audio/ambient/*"]), "ufoai-music": ("0music.pk3", []),
            "nexuiz-music": ("music.pk3", []), "openarena-088-data": ("pak6-patch088.pk3", ["music/*"])}


def labels():
    """The header's tags, and rows of (path, split, start, thousandths)."""
    tags, rows = [], []
    for source in LABELS:
        with lzma.open(source, "rt", newline="") as file:
            lines, path, split = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE), "", ""
            of_file = next(lines)[3:]
            if tags not in ([], of_file):
                sys.exit(f"{source}: other tags than {LABELS[0]}")
            tags = of_file
            for line in lines:
                path, split = line[0] or path, line[1] or split
                rows.append((path, split, line[2], line[3:]))
    return tags, rows


def fetch(corpus, package):
    """A package's music and licences, out of its .deb."""
    target, part = os.path.join(corpus, package), os.path.join(corpus, package + ".part")
    if os.path.exists(os.path.join(target, ".whole")):
        return
    shutil.rmtree(target, ignore_errors=True)
    shutil.rmtree(part, ignore_errors=True)
    os.makedirs(part)
    subprocess.run(["apt-get", "download", "-qq", package], cwd=part, check=True)
    archive, wanted = ARCHIVES.get(package, ("", []))
    deb = glob.glob(os.path.join(part, "*.deb"))[0]
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as process, \
            tarfile.open(fileobj=process.stdout, mode="r|") as tar:
        for member in tar:
            name = os.path.basename(member.name)
            if member.isfile() and (name.endswith(SOUNDS) or name in ("copyright", archive)):
                tar.extract(member, target)
    if archive:
        inside = glob.glob(os.path.join(target, "**", archive), recursive=True)[0]
        subprocess.run(["unzip", "-qo", inside, *wanted, "-d", target], check=True)
        os.remove(inside)
    shutil.rmtree(part)
    with open(os.path.join(target, ".whole"), "w"):
        pass
    print(f"{package}: fetched", flush=True)


def write_manifest(corpus, tags, rows):
    target = os.path.join(corpus, "manifest.tsv")
    with open(target + ".part", "w") as file:
        file.write("\t".join(["path", "split", "start", "length", *tags]) + "\n")
        for path, split, start, thousandths in rows:
            values = [f"{int(value) / 1000:g}" for value in thousandths]
            file.write("\t".join([path, split, start, LENGTH, *values]) + "\n")
    os.rename(target + ".part", target)
    print(f"{target}: {len(rows)} windows")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("corpus", help="the folder to fill")
    parser.add_argument("--only", nargs="+", metavar="PACKAGE", help="packages to fetch, and to list")
    arguments = parser.parse_args()
    tags, rows = labels()
    if arguments.only:
        rows = [row for row in rows if row[0].split("/", 1)[0] in arguments.only]
    os.makedirs(arguments.corpus, exist_ok=True)
    for package in sorted({row[0].split("/", 1)[0] for row in rows}):
        fetch(arguments.corpus, package)
    missing = [path for path in sorted({row[0] for row in rows})
               if not os.path.exists(os.path.join(arguments.corpus, path))]
    if missing:
        sys.exit(f"corpus.py: {len(missing)} files of the labels are missing, the first of them {missing[0]}")
    write_manifest(arguments.corpus, tags, rows)


if __name__ == "__main__":
    main()
