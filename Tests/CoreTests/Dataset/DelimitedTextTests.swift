import Testing

@testable import Core

@Suite("Delimited text")
struct DelimitedTextTests {
    private func records(_ text: String) throws(DatasetError) -> [(line: Int, fields: [String?])] {
        var reader = DelimitedText(Array(text.utf8), path: "FILE")
        var record = DelimitedText.Record()
        var records: [(line: Int, fields: [String?])] = []
        while try reader.read(into: &record) {
            records.append((record.line, (0..<record.count).map { record.text($0) }))
        }
        return records
    }

    @Test("Tabs, line breaks and doubled quotes are text within quotes")
    func quotes() throws {
        let found = try records("\"a\tb\"\t\"c\nd\"\t\"say \"\"e\"\"\"\nx\t\t\"\"\n")
        #expect(found.map(\.fields) == [["a\tb", "c\nd", "say \"e\""], ["x", "", ""]])
        #expect(found.map(\.line) == [1, 3])
    }

    @Test("LF, CRLF, empty lines and a last line without an end", arguments: ["\n", "\r\n"])
    func lineEnds(end: String) throws {
        let found = try records("a\tb\(end)\(end)\"c\"\t\(end)d\t\"e\"")
        #expect(found.map(\.fields) == [["a", "b"], ["c", ""], ["d", "e"]])
        #expect(found.map(\.line) == [1, 3, 4])
    }

    @Test("A quote within an unquoted field is text; a lone CR, too")
    func plain() throws {
        #expect(try records("a\"b\tc\rd\n").map(\.fields) == [["a\"b", "c\rd"]])
    }

    @Test("An open quote is named where it opens, text behind a closing one where it stands")
    func broken() {
        #expect(throws: DatasetError.invalid("FILE", line: 2, "a quote is never closed")) {
            try records("a\n\"b\nc\n")
        }
        #expect(
            throws: DatasetError.invalid(
                "FILE", line: 2, "a tab or the line's end wanted behind a closing quote")
        ) { try records("a\n\"b\"c\n") }
    }
}
