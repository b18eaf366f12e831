import NIOCore

/// Cuts what a client sends into lines. A line that is too long is passed over to its end, and costs no more memory than a short one.
package struct LineFramer {
    package static let longest = 64 * 1024
    /// Bytes passed over after which a line without an end is told again: who sends for ever is closed like one who sends
    /// many such lines.
    static let patience = 1 << 20

    package enum Line: Equatable {
        case line([UInt8])
        case tooLong
    }

    private var partial: [UInt8] = []
    private var isSkipping = false
    private var skipped = 0

    package init() {}

    package mutating func append(_ bytes: some Sequence<UInt8>, _ body: (Line) -> Void) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if isSkipping {
                    isSkipping = false
                } else if !partial.isEmpty {
                    body(.line(partial))
                }
                partial.removeAll(keepingCapacity: partial.capacity <= 4096)
            } else if !isSkipping {
                guard partial.count < Self.longest else {
                    isSkipping = true
                    skipped = 0
                    partial = []
                    body(.tooLong)
                    continue
                }
                partial.append(byte)
            } else {
                skipped += 1
                guard skipped == Self.patience else { continue }
                skipped = 0
                body(.tooLong)
            }
        }
    }
}
