import Foundation
import Testing

@testable import Core

@Suite("Pickled data")
struct PickledDataTests {
    private func data(_ text: String) throws(DatasetError) -> PickledData {
        try PickledData(Array(text.utf8), path: "FILE")
    }

    private func data(base64: String) throws -> PickledData {
        try PickledData(Array(try #require(Data(base64Encoded: base64))), path: "FILE")
    }

    @Test("A list as Python 2 writes it, with its escapes")
    func list() throws {
        #expect(try data(PublishedPickle.list(["c/a.npy", "TRX"])).strings() == ["c/a.npy", "TRX"])
        #expect(try data("(lp1\nS\"it's\"\np2\naS'a\\\\\\'\\t\\xc3\\xa9'\na.").strings().last == "a\\'\té")
        #expect(try data("(lp1\n.").strings() == [])
    }

    @Test("A dictionary as Python 2 writes it; whole numbers count as their digits")
    func dictionary() throws {
        #expect(try data(PublishedPickle.dictionary([("7", "1/2/3.mp3")])).stringDictionary() == ["7": "1/2/3.mp3"])
        #expect(try data("(dI12\nL34L\ns.").stringDictionary() == ["12": "34"])
    }

    @Test("Arrays as Python 2 writes them")
    func publishedVectors() throws {
        let pickle = PublishedPickle.vectors([("TRA", [true, false, true]), ("TRB", [false, false, true])])
        #expect(try data(pickle).vectors() == ["TRA": [1, 0, 1], "TRB": [0, 0, 1]])
    }

    /// `pickle.dumps({"TRAAAAA128F0000001": numpy.array([1, 0, 1], dtype=bool), "TRAAAAA128F0000002":
    /// numpy.array([[0., 1., 0.]])}, protocol)` of Python 3.
    @Test(
        "Arrays as Python 3 writes them, protocols 0, 2 and 4",
        arguments: [
            "KGRwMApWVFJBQUFBQTEyOEYwMDAwMDAxCnAxCmNudW1weS5fY29yZS5tdWx0aWFycmF5Cl9yZWNvbnN0cnVjdApwMgooY251bXB5Cm5kYX"
                + "JyYXkKcDMKKEkwCnRwNApjX2NvZGVjcwplbmNvZGUKcDUKKFZiCnA2ClZsYXRpbjEKcDcKdHA4ClJwOQp0cDEwClJwMTEKKEkxCihJ"
                + "Mwp0cDEyCmNudW1weQpkdHlwZQpwMTMKKFZiMQpwMTQKSTAwCkkwMQp0cDE1ClJwMTYKKEkzClZ8CnAxNwpOTk5JLTEKSS0xCkkwCn"
                + "RwMTgKYkkwMApnNQooVgFcdTAwMDABCnAxOQpnNwp0cDIwClJwMjEKdHAyMgpic1ZUUkFBQUFBMTI4RjAwMDAwMDIKcDIzCmcyCihn"
                + "MwooSTAKdHAyNApnOQp0cDI1ClJwMjYKKEkxCihJMQpJMwp0cDI3CmcxMwooVmY4CnAyOApJMDAKSTAxCnRwMjkKUnAzMAooSTMKVj"
                + "wKcDMxCk5OTkktMQpJLTEKSTAKdHAzMgpiSTAwCmc1CihWXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAw"
                + "XHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAw8D9cdTAwMDBcdTAwMDBcdTAwMDBcdTAwMDBcdTAwMDBcdT"
                + "AwMDBcdTAwMDBcdTAwMDAKcDMzCmc3CnRwMzQKUnAzNQp0cDM2CmJzLg==",
            "gAJ9cQAoWBIAAABUUkFBQUFBMTI4RjAwMDAwMDFxAWNudW1weS5fY29yZS5tdWx0aWFycmF5Cl9yZWNvbnN0cnVjdApxAmNudW1weQpuZG"
                + "FycmF5CnEDSwCFcQRjX2NvZGVjcwplbmNvZGUKcQVYAQAAAGJxBlgGAAAAbGF0aW4xcQeGcQhScQmHcQpScQsoSwFLA4VxDGNudW1w"
                + "eQpkdHlwZQpxDVgCAAAAYjFxDomIh3EPUnEQKEsDWAEAAAB8cRFOTk5K/////0r/////SwB0cRJiiWgFWAMAAAABAAFxE2gHhnEUUn"
                + "EVdHEWYlgSAAAAVFJBQUFBQTEyOEYwMDAwMDAycRdoAmgDSwCFcRhoCYdxGVJxGihLAUsBSwOGcRtoDVgCAAAAZjhxHImIh3EdUnEe"
                + "KEsDWAEAAAA8cR9OTk5K/////0r/////SwB0cSBiiWgFWBkAAAAAAAAAAAAAAAAAAAAAAMOwPwAAAAAAAAAAcSFoB4ZxIlJxI3RxJG"
                + "J1Lg==",
            "gASVFgEAAAAAAAB9lCiMElRSQUFBQUExMjhGMDAwMDAwMZSMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW"
                + "51bXB5lIwHbmRhcnJheZSTlEsAhZRDAWKUh5RSlChLAUsDhZRoBYwFZHR5cGWUk5SMAmIxlImIh5RSlChLA4wBfJROTk5K/////0r/"
                + "////SwB0lGKJQwMBAAGUdJRijBJUUkFBQUFBMTI4RjAwMDAwMDKUaARoB0sAhZRoCYeUUpQoSwFLAUsDhpRoDowCZjiUiYiHlFKUKE"
                + "sDjAE8lE5OTkr/////Sv////9LAHSUYolDGAAAAAAAAAAAAAAAAAAA8D8AAAAAAAAAAJR0lGJ1Lg==",
        ])
    func vectors(base64: String) throws {
        let vectors = try data(base64: base64).vectors()
        #expect(vectors == ["TRAAAAA128F0000001": [1, 0, 1], "TRAAAAA128F0000002": [0, 1, 0]])
    }

    /// `{"f4": array([0.5, -2], "<f4"), "i8": array([-3, 7]), "u1": array([200], "u1"), "f2": array([0.25], "f2"),
    /// "list": [1, 0.5, True]}`, protocol 4.
    @Test("Every kind of number, and lists in the place of arrays")
    func elements() throws {
        let vectors = try data(
            base64:
                "gASVlQEAAAAAAAB9lCiMAmY0lIwWbnVtcHkuX2NvcmUubXVsdGlhcnJheZSMDF9yZWNvbnN0cnVjdJSTlIwFbnVtcHmUjAduZGFy"
                + "cmF5lJOUSwCFlEMBYpSHlFKUKEsBSwKFlGgFjAVkdHlwZZSTlIwCZjSUiYiHlFKUKEsDjAE8lE5OTkr/////Sv////9LAHSUYolDCA"
                + "AAAD8AAADAlHSUYowCaTiUaARoB0sAhZRoCYeUUpQoSwFLAoWUaA6MAmk4lImIh5RSlChLA2gSTk5OSv////9K/////0sAdJRiiUMQ"
                + "/f////////8HAAAAAAAAAJR0lGKMAnUxlGgEaAdLAIWUaAmHlFKUKEsBSwGFlGgOjAJ1MZSJiIeUUpQoSwOMAXyUTk5OSv////9K//"
                + "///0sAdJRiiUMByJR0lGKMAmYylGgEaAdLAIWUaAmHlFKUKEsBSwGFlGgOjAJmMpSJiIeUUpQoSwNoEk5OTkr/////Sv////9LAHSU"
                + "YolDAgA0lHSUYowEbGlzdJRdlChLAUc/4AAAAAAAAIhldS4="
        ).vectors()
        #expect(vectors == ["f4": [0.5, -2], "i8": [-3, 7], "u1": [200], "f2": [0.25], "list": [1, 0.5, 1]])
    }

    @Test("Big-endian arrays and columns first are refused, not misread")
    func arrayOrders() throws {
        let bigEndian =
            "gASVmAAAAAAAAAB9lIwBYZSMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZST"
            + "lEsAhZRDAWKUh5RSlChLAUsBhZRoBYwFZHR5cGWUk5SMAmY4lImIh5RSlChLA4wBPpROTk5K/////0r/////SwB0lGKJQwg/8AAAAAAA"
            + "AJR0lGJzLg=="
        let columnsFirst =
            "gASVsgAAAAAAAAB9lIwBYZSMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAxfcmVjb25zdHJ1Y3SUk5SMBW51bXB5lIwHbmRhcnJheZST"
            + "lEsAhZRDAWKUh5RSlChLAUsCSwKGlGgFjAVkdHlwZZSTlIwCZjiUiYiHlFKUKEsDjAE8lE5OTkr/////Sv////9LAHSUYohDIAAAAAAA"
            + "APA/AAAAAAAA8D8AAAAAAADwPwAAAAAAAPA/lHSUYnMu"
        for (pickle, reason) in [(bigEndian, "little-endian"), (columnsFirst, "row by row")] {
            let error = #expect(throws: DatasetError.self) { try data(base64: pickle) }
            #expect(error?.description.contains(reason) == true)
        }
    }

    @Test(
        "What isn't data is refused by name, and nothing is run",
        arguments: [
            ("cos\nsystem\n(S'true'\ntR.", "byte 11: os.system is refused: only data is read, nothing is called"),
            ("(lp1\nS'a'\n", "byte 10: the pickle's end wanted before the file's"),
            ("", "byte 0: the pickle's end wanted before the file's"),
            ("(lp1\nS'a\n.", "byte 9: a string in quotes wanted"),
            ("(lp1\nS'a\\q'\n.", "byte 12: an escape that Python writes wanted"),
            ("(lp1\nS'\\x-1'\n.", "byte 13: two hexadecimal digits wanted behind \\x"),
            ("a.", "byte 1: 1 values wanted, fewer are left"),
            ("t.", "byte 1: a mark wanted, none is left"),
            ("g5\n.", "byte 3: nothing was remembered as 5"),
            ("I99999999999999999999\n.", "byte 22: a whole number wanted"),
            ("T\u{7f}\u{7f}\u{7f}\u{7f}.", "byte 5: 2139062143 bytes wanted, 1 found"),
            ("(i.", "byte 2: opcode 105 is not one that lists and dictionaries need"),
            ("cnumpy\ndtype\n(S'O'\ntR.", "byte 21: numpy.dtype: a number's type wanted"),
        ])
    func refused(pickle: String, reason: String) {
        let error = #expect(throws: DatasetError.self) { try data(pickle) }
        #expect(error?.description == "FILE: \(reason)")
        #expect(error?.kind == .invalid)
    }

    @Test("An array's bytes have to be as many as its shape says")
    func arrayShape() {
        let pickle = PublishedPickle.vectors([("TRA", [true, false])])
        for length in ["3", "-2", "9223372036854775807"] {
            #expect(throws: DatasetError.self) { try data(pickle.replacing("(I2\n", with: "(I\(length)\n")) }
        }
    }

    @Test("Another kind of data than wanted is named with its place")
    func otherKind() {
        #expect(throws: DatasetError(.invalid, "FILE", "a list of strings wanted")) { try data("(d.").strings() }
        #expect(throws: DatasetError.invalid("FILE", entry: 2, "a string wanted")) {
            try data("(lS'a'\naNa.").strings()
        }
        #expect(throws: DatasetError(.invalid, "FILE", "a dictionary wanted")) { try data("(l.").stringDictionary() }
        #expect(throws: DatasetError(.invalid, "FILE", "a: numbers wanted")) { try data("(dS'a'\nNs.").vectors() }
    }
}
