/// One net's windows, added up. Float64: after a year of windows a Float32 sum would no longer move.
struct WindowSums {
    private(set) var features: [Double]
    private(set) var probabilities: [Double]
    private(set) var windows = 0

    init(features: Int, tags: Int) {
        self.features = [Double](repeating: 0, count: features)
        probabilities = [Double](repeating: 0, count: tags)
    }

    mutating func clear() {
        for index in features.indices { features[index] = 0 }
        for index in probabilities.indices { probabilities[index] = 0 }
        windows = 0
    }

    mutating func add(_ result: WindowResult) {
        Self.add(result.features, to: &features)
        Self.add(result.probabilities, to: &probabilities)
        windows += 1
    }

    mutating func add(_ other: WindowSums) {
        for index in features.indices { features[index] += other.features[index] }
        for index in probabilities.indices { probabilities[index] += other.probabilities[index] }
        windows += other.windows
    }

    mutating func subtract(_ other: WindowSums) {
        for index in features.indices { features[index] -= other.features[index] }
        for index in probabilities.indices { probabilities[index] -= other.probabilities[index] }
        windows -= other.windows
    }

    /// At every hop: over bare memory, which the compiler makes vectors of.
    private static func add(_ numbers: UnsafeBufferPointer<Float>, to sums: inout [Double]) {
        precondition(numbers.count == sums.count)
        sums.withUnsafeMutableBufferPointer { sums in
            for index in sums.indices { sums[index] += Double(numbers[index]) }
        }
    }
}
