import Testing

@testable import Daemon

@Suite struct ClientRequestTests {
    private func parse(_ line: String) throws(ClientRequestError) -> ClientRequest {
        try ClientRequest(parsing: Array(line.utf8), tags: ["piano", "rock"])
    }

    @Test("every field of a subscription")
    func subscription() throws {
        var wanted = Subscription()
        #expect(try parse(#"{"subscribe":{}}"#) == .subscribe(wanted))
        wanted.options.top = 5
        wanted.options.threshold = 0.5
        wanted.names = ["rock", "piano"]
        wanted.options.tags = [1, 0]
        wanted.options.detailNets = true
        wanted.every = 1.5
        #expect(
            try parse(
                #"{"subscribe": {"top": 5, "threshold": 0.5, "every": 1.5, "tags": ["rock", "piano", "rock"], "detail": "nets"}}"#
            ) == .subscribe(wanted))
        #expect(try parse(#"{"status":true}"#) == .status)
        #expect(try parse(#"{"metrics":true}"#) == .metrics)
    }

    @Test("names may be tags of windows, of songs, or of both")
    func songTags() throws {
        let line = Array(#"{"subscribe":{"tags":["jazz","piano","calm"]}}"#.utf8)
        let request = try ClientRequest(parsing: line, tags: ["rock", "piano"], songTags: ["calm", "piano", "jazz"])
        var wanted = Subscription()
        wanted.names = ["jazz", "piano", "calm"]
        wanted.options.tags = [1]
        wanted.options.songTags = [2, 1, 0]
        #expect(request == .subscribe(wanted))
        #expect(wanted.options.ofSongs.chosen(of: [0.1, 0.2, 0.3]) == [2, 1, 0])
    }

    @Test("where another model's tags have come, names are looked up anew; one that is unknown is not forgotten")
    func otherTags() throws {
        guard case .subscribe(var subscription) = try parse(#"{"subscribe":{"tags":["rock","piano"],"top":1}}"#) else {
            Issue.record("no subscription")
            return
        }
        subscription.choose(of: ["piano", "calm"], songTags: ["calm", "piano"])
        #expect(subscription.options.tags == [0])
        #expect(subscription.options.songTags == [1])
        #expect(subscription.options.top == 1)
        subscription.choose(of: ["piano", "jazz", "rock"], songTags: ["piano", "jazz", "rock"])
        #expect(subscription.options.tags == [2, 0])
        #expect(subscription.options.songTags == nil)
    }

    @Test(
        "what is wrong is said",
        arguments: [
            ("[]", "an object wanted, an array found"),
            ("{}", "one member wanted, 0 found"),
            (#"{"status":false}"#, "status: true wanted"),
            (#"{"metrics":1}"#, "metrics: true wanted"),
            (#"{"play":1}"#, "play: unknown request"),
            (#"{"subscribe":1}"#, "subscribe: an object wanted, a number found"),
            (#"{"subscribe":{"top":-1}}"#, "subscribe.top: a whole number of 0 or more wanted, a number found"),
            (#"{"subscribe":{"top":1.5}}"#, "subscribe.top: a whole number of 0 or more wanted, a number found"),
            (#"{"subscribe":{"threshold":2}}"#, "subscribe.threshold: a number from 0 to 1 wanted, a number found"),
            (#"{"subscribe":{"every":"1"}}"#, "subscribe.every: seconds from 0 to 86400 wanted, a string found"),
            (#"{"subscribe":{"tags":"rock"}}"#, "subscribe.tags: an array wanted, a string found"),
            (#"{"subscribe":{"tags":["jazz"]}}"#, "subscribe.tags: the names of tags wanted, jazz is none"),
            (#"{"subscribe":{"detail":"all"}}"#, #"subscribe.detail: "nets" wanted, a string found"#),
            (#"{"subscribe":{"volume":1}}"#, "subscribe.volume: unknown"),
        ])
    func wrong(_ line: String, _ message: String) {
        #expect(throws: ClientRequestError(message: message)) { try parse(line) }
    }

    @Test(
        "no line is too strange", arguments: ["\u{0}", "{", "nul", #"{"a":1}{"#, String(repeating: "[", count: 60_000)])
    func garbage(_ line: String) { #expect(throws: ClientRequestError.self) { try parse(line) } }
}
