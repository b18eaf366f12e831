import Testing

@testable import Core

@Suite("JSON")
struct JSONValueTests {
    @Test(
        "What is JSON is read as what it is",
        arguments: [
            ("null", .null), (" true ", .bool(true)), ("-0", .integer(0)), ("12", .integer(12)),
            ("-1.5e2", .number(-150)), ("9223372036854775807", .integer(.max)),
            ("9223372036854775808", .number(9_223_372_036_854_775_808)),
            (#""a\n\u00e9\ud83c\udfb9\/""#, .string("a\né🎹/")), ("[]", .array([])),
            ("[1, [2]]", .array([.integer(1), .array([.integer(2)])])),
            (
                #"{"b": 1, "a": {}}"#,
                .object([.init(name: "b", value: .integer(1)), .init(name: "a", value: .object([]))])
            ),
        ] as [(String, JSONValue)])
    func read(text: String, value: JSONValue) throws {
        #expect(try JSONValue(parsing: text.utf8) == value)
    }

    @Test(
        "What isn't is refused where it stops being JSON",
        arguments: [
            ("", "byte 0: a value wanted, end of text found"), ("01", "byte 2: a number with a leading zero"),
            ("1 2", "byte 2: end of text wanted"), ("nul", "byte 0: a value wanted"),
            ("[1,]", "byte 3: a value wanted"),
            ("{\"a\" 1}", "byte 5: a colon wanted"), ("{\"a\":1", "byte 6: a comma or } wanted"),
            ("\"abc", "byte 4: a string without an end"), ("\"\\x\"", "byte 2: an unknown escape"),
            ("\"\\ud800\"", "byte 7: half a surrogate pair"), ("\"\\udc00\"", "byte 7: half a surrogate pair"),
            ("\"\\u12\"", "byte 2: four hexadecimal digits wanted"),
            ("\"\u{1}\"", "byte 1: a control character in a string"),
            ("1e400", "byte 5: a number out of range"), ("-", "byte 1: a value wanted"),
            ("{\"a\":1,\"a\":2}", "byte 10: \"a\" stands twice"), ("NaN", "byte 0: a value wanted"),
        ])
    func refused(text: String, message: String) {
        let error = #expect(throws: JSONError.self) { try JSONValue(parsing: text.utf8) }
        #expect(error?.description == message)
    }

    @Test("Depth is bounded, and bytes that aren't UTF-8 are refused")
    func hostile() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: JSONError(offset: 32, reason: "nested too deeply")) { try JSONValue(parsing: deep.utf8) }
        #expect(throws: JSONError.self) { try JSONValue(parsing: [0x22, 0xFF, 0x22]) }
    }
}
