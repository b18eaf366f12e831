import Testing

@testable import Core

@Suite("Manifest")
struct ManifestTests {
    private func parse(_ text: String) throws(ManifestError) -> Manifest {
        try Manifest(parsing: Array(text.utf8), path: "sets/m.tsv")
    }

    private func message(_ text: String) -> String {
        do throws(ManifestError) { _ = try parse(text) } catch { return error.description }
        return "nothing"
    }

    @Test("One column a tag, parts of files, any order of columns, CRLF")
    func tagColumns() throws {
        let manifest = try parse(
            "split\ttag:piano\tpath\ttag:loud\tstart\tlength\r\ntrain\t1\ta b.wav\t0.25\t1.5\t2\r\n\r\ntest\t0\t/c.mp3\t1\t\t\r\n"
        )
        #expect(manifest.tags == ["piano", "loud"])
        #expect(
            manifest.rows == [
                .init(path: "a b.wav", split: .train, start: 1.5, length: 2, labels: [1, 0.25]),
                .init(path: "/c.mp3", split: .test, start: 0, length: nil, labels: [0, 1]),
            ])
        #expect(manifest.file(of: manifest.rows[0]) == "sets/a b.wav")
        #expect(manifest.file(of: manifest.rows[1]) == "/c.mp3")
        #expect(manifest.rows(.valid).isEmpty)
    }

    @Test("A list of names")
    func tagList() throws {
        let manifest = try parse("path\tsplit\ttags\na.wav\ttrain\tslow, piano\nb.wav\tvalid\t\n")
        #expect(manifest.tags == ["piano", "slow"])
        #expect(manifest.rows.map(\.labels) == [[1, 1], [0, 0]])
    }

    @Test("What is wrong is said with its line and column")
    func errors() {
        let head = "path\tsplit\ttag:a\n"
        #expect(message("") == "sets/m.tsv: line 1: a header wanted, nothing found")
        #expect(message("path\ttag:a\n") == "sets/m.tsv: line 1: split: no such column")
        #expect(message("split\ttag:a\n") == "sets/m.tsv: line 1: path: no such column")
        #expect(message("path\tsplit\n") == "sets/m.tsv: line 1: tags: neither a tags column nor tag:NAME columns")
        #expect(message("path\tsplit\ttag:a\ttag:a\n") == "sets/m.tsv: line 1: tag:a: stands twice")
        #expect(message(head + "x\tdev\t1\n") == "sets/m.tsv: line 2: split: train, valid or test wanted, dev found")
        #expect(message(head + "x\ttrain\t1.5\n") == "sets/m.tsv: line 2: tag:a: 0 to 1 wanted, 1.5 found")
        #expect(message(head + "x\ttrain\tnan\n") == "sets/m.tsv: line 2: tag:a: 0 to 1 wanted, nan found")
        #expect(message(head + "../x\ttrain\t1\n") == "sets/m.tsv: line 2: path: ../x leaves the manifest's folder")
        #expect(message(head + "x\ttrain\n") == "sets/m.tsv: line 2: 3 columns wanted, 2 found")
        #expect(
            message("path\tsplit\ttags\tstart\nx\ttrain\ta\t-1\n")
                == "sets/m.tsv: line 2: start: 0 to 1000000 seconds wanted, -1 found")
    }
}
