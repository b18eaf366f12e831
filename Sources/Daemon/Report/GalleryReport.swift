import Core
import FoundationEssentials

/// Sounds that can be looked at and listened to: one page.
struct GalleryReport {
    let title: String
    /// About the model and the data, a line each.
    let summary: [String]
    let songs: [GallerySong]
    /// By tag; empty where the model has none.
    let thresholds: [String: Float]
    /// A label this large or larger is shown whatever the model says.
    let positiveFrom: Float
    /// Bytes that the page may have; sounds that don't fit are only drawn.
    let size: Int
    let hasSound: Bool

    /// The page, and how many of its sounds can be played.
    func html() -> (text: String, playable: Int) {
        // What the drawings leave is shared out, so that no sound is left without because it came last.
        let drawings = page(sounds: songs.map { _ in nil }).utf8.count
        var sounds: [CompressedSound?] = songs.map { _ in nil }
        guard hasSound else { return (page(sounds: sounds), 0) }
        for compression in [0.5, 0.7, 0.9] {
            sounds = songs.map { CompressedSound(Self.faded($0.samples), compression: compression) }
            if drawings + Self.bytes(sounds) <= size { break }
        }
        for index in sounds.indices.reversed() where drawings + Self.bytes(sounds) > size { sounds[index] = nil }
        return (page(sounds: sounds), sounds.count { $0 != nil })
    }

    /// In base 64, with the element around.
    private static func bytes(_ sounds: [CompressedSound?]) -> Int {
        sounds.reduce(0) { $0 + ($1.map { $0.bytes.count * 4 / 3 + 200 } ?? 0) }
    }

    /// An excerpt that begins and ends without a click.
    private static func faded(_ samples: [Float]) -> [Float] {
        var samples = samples
        let length = min(samples.count / 4, Model.sampleRate / 20)
        for index in 0..<length {
            let factor = Float(index) / Float(length)
            samples[index] *= factor
            samples[samples.count - 1 - index] *= factor
        }
        return samples
    }

    private func page(sounds: [CompressedSound?]) -> String {
        var page = ReportPage(title: title, lead: summary)
        page.script = Self.script
        page.hasSound = true
        for (index, song) in songs.enumerated() {
            let name = song.path.lastIndex(of: "/").map { song.path[song.path.index(after: $0)...] } ?? song.path[...]
            let stem = name.lastIndex(of: ".").map { name[..<$0] } ?? name
            page.section(String(stem), id: "sound-\(index + 1)", note: note(song)) { section in
                sound(song, sounds[index], to: &section)
            }
        }
        return page.html
    }

    private func note(_ song: GallerySong) -> String {
        let end = song.start + song.seconds
        return "\(song.path), \(fixed(song.start, 0)) to \(fixed(end, 0)) s"
    }

    private func sound(_ song: GallerySong, _ sound: CompressedSound?, to section: inout Markup) {
        let map = TagHeatMap(song, thresholds: thresholds, positiveFrom: positiveFrom)
        section.element("div", ["class": "verdicts"]) { verdicts in
            verdict("As a whole", Array(song.song.sorted { $0.probability > $1.probability }.prefix(4)), to: &verdicts)
            let labelled = labels(song).filter { $0.probability >= min(positiveFrom, 0.3) }.prefix(5)
            verdict("Labelled", Array(labelled), to: &verdicts)
        }
        section.element("figure", ["class": "sound", "data-seconds": fixed(song.seconds, 3)]) { figure in
            map.write(to: &figure)
            if let sound {
                let data = Data(sound.bytes).base64EncodedString()
                figure.element(
                    "audio",
                    [
                        "controls": "controls", "preload": "metadata", "aria-label": "Play \(song.path)",
                        "src": "data:\(sound.mediaType);base64,\(data)",
                    ]
                ) { _ in }
            }
        }
        section.details("As a table") { details in
            details.table(
                "Over the excerpt",
                [
                    .words("tag"), .numbers("mean probability"), .numbers("highest"), .numbers("heard in"),
                    .numbers("label"),
                ],
                map.rows.map { tag in
                    let column = song.probabilities.map { $0[tag] }
                    let threshold = thresholds[song.tags[tag]] ?? Model.usualThreshold
                    let heard = Double(column.count { $0 >= threshold }) / Double(max(1, column.count))
                    return [
                        song.tags[tag], fixed(Double(column.reduce(0, +)) / Double(max(1, column.count)), 3),
                        fixed(column.max().map(Double.init), 3), fixed(heard * 100, 0) + " %",
                        fixed(song.label(song.tags[tag]).map(Double.init), 2),
                    ]
                })
        }
    }

    private func labels(_ song: GallerySong) -> [(tag: String, probability: Float)] {
        Set(song.labels.flatMap { $0.values.keys }).map { ($0, song.label($0) ?? 0) }
            .sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }

    private func verdict(_ heading: String, _ tags: [(tag: String, probability: Float)], to list: inout Markup) {
        list.element("p") { line in
            line.element("span", ["class": "heading"], text: heading)
            for (tag, probability) in tags {
                line.element("span", ["class": "chip"]) { chip in
                    chip.text("\(tag) ")
                    chip.element("b", text: fixed(Double(probability), 2))
                }
            }
            if tags.isEmpty { line.element("span", ["class": "none"], text: "nothing") }
        }
    }

    /// Moves a line over the drawings while a sound plays, and plays from where a drawing is clicked. Without it the page
    /// is whole, but for that. No `<` or `&`: HTML reads it as it stands.
    static let script = """

        for (const figure of document.querySelectorAll("figure.sound")) {
          const audio = figure.querySelector("audio");
          if (!audio) continue;
          const seconds = Number(figure.dataset.seconds);
          const maps = [...figure.querySelectorAll("svg")].map(svg => {
            const wide = svg.classList.contains("wide");
            const left = wide ? \(TagHeatMap.margins.wide.left) : \(TagHeatMap.margins.narrow.left);
            const right = wide ? \(TagHeatMap.margins.wide.right) : \(TagHeatMap.margins.narrow.right);
            const width = svg.viewBox.baseVal.width;
            return {svg, left, width, run: width - left - right, head: svg.querySelector(".playhead")};
          });
          const draw = () => {
            for (const map of maps) {
              map.head.setAttribute("transform", `translate(${audio.currentTime / seconds * map.run} 0)`);
              map.head.style.visibility = "visible";
            }
            if (!audio.paused) requestAnimationFrame(draw);
          };
          for (const event of ["play", "seeked"]) audio.addEventListener(event, draw);
          audio.addEventListener("play", () => {
            for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
          });
          for (const map of maps) {
            map.svg.style.cursor = "pointer";
            map.svg.addEventListener("click", event => {
              const box = map.svg.getBoundingClientRect();
              const place = ((event.clientX - box.left) / box.width * map.width - map.left) / map.run;
              audio.currentTime = Math.min(Math.max(place, 0), 1) * seconds;
              audio.play();
            });
          }
        }

        """
}
