import Testing
@testable import Streaming
@Test func placeholder() { #expect(1 + 1 == 2) }
