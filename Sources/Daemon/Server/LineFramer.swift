import NIOCore

/// Cuts what a client sends into lines. A line that is too long is passed over to its end, and costs no more memory than a short one.
package struct LineFramer {
    package static let longest = 64 * 1024

    package enum Line: Equatable {
        case line([UInt8])
        case tooLong
    }

    private var partial: [UInt8] = []
    private var isSkipping = false

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
                    partial = []
                    body(.tooLong)
                    continue
                }
                partial.append(byte)
            }
        }
    }
}
