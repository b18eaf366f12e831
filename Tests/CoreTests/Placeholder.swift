import Testing
@testable import Core
@Test func placeholder() { #expect(1 + 1 == 2) }
