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
        for index in features.indices { features[index] += Double(result.features[index]) }
        for index in probabilities.indices { probabilities[index] += Double(result.probabilities[index]) }
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
}
