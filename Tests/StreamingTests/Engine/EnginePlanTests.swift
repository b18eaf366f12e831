import Core
import Testing

@testable import Streaming

@Suite("The plan of an engine")
struct EnginePlanTests {
    /// Hops near 33 ms at which each net shares most: powers of its m.
    static let natural = [2: 1024, 3: 729, 4: 1024, 5: 625]

    @Test(
        "At its natural hop and at 729 every published net does little more than the least",
        arguments: NetShape.published)
    func nearTheLeast(m: Int, n: Int) throws {
        let shape = try NetShape(name: "\(m)^\(n)", m: m, n: n)
        for hop in [729, try #require(Self.natural[m])] {
            let plan = EnginePlan.cheapest(shape: shape, tags: 50, hop: hop)
            #expect(Double(plan.multiplyAdds) <= 1.1 * Double(least(shape, hop: hop)), "hop \(hop)")
            #expect(plan.multiplyAdds <= shape.multiplyAdds(tags: 50))
        }
    }

    /// Shared columns once, two edge columns a layer; but no layer more than its whole window. Counted from the nets'
    /// geometry alone.
    private func least(_ shape: NetShape, hop: Int) -> Int {
        var sum = shape.widths[shape.n + 1] * (shape.widths[shape.n] + 50)
        sum += min(hop / commonDivisor(hop, shape.m), shape.window / shape.m) * shape.m * shape.widths[0]
        var spacing = shape.m
        for layer in 1...shape.n {
            spacing *= shape.m
            let column = shape.m * shape.m * shape.widths[layer - 1] * shape.widths[layer]
            sum += min(hop / commonDivisor(hop, spacing) + 2, shape.window / spacing) * column
        }
        return sum
    }

    private func commonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : commonDivisor(b, a % b) }

    @Test("3^9 at hop 729 costs a fiftieth of its window")
    func published() throws {
        let shape = try NetShape(name: "3^9", m: 3, n: 9)
        let plan = EnginePlan.cheapest(shape: shape, tags: 50, hop: 729)
        #expect(plan.multiplyAdds * 50 < shape.multiplyAdds(tags: 50))
        #expect(plan.layers[...5].allSatisfy { $0.phases == 1 })
        #expect(plan.layers[6].phases == 3 && plan.layers[7].phases == 9)
        #expect(plan.bytes < 2 << 20)
    }

    @Test("A hop longer than the window shares nothing")
    func longHop() throws {
        let shape = try NetShape.narrow(m: 3, n: 8)
        #expect(EnginePlan.cheapest(shape: shape, tags: 1, hop: shape.window + 7).isWholeWindow)
        #expect(EnginePlan.cheapest(shape: shape, tags: 1, hop: shape.window).isWholeWindow)
    }

    @Test("A plan keeps to its memory, and shares less where it must", arguments: NetShape.published)
    func memory(m: Int, n: Int) throws {
        let shape = try NetShape(name: "\(m)^\(n)", m: m, n: n)
        let free = EnginePlan.cheapest(shape: shape, tags: 50, hop: 1, memoryLimit: 1 << 40)
        #expect(EnginePlan.cheapest(shape: shape, tags: 50, hop: 1).bytes <= 256 << 20)
        let tight = EnginePlan.cheapest(shape: shape, tags: 50, hop: 1, memoryLimit: free.bytes / 4)
        #expect(tight.bytes <= free.bytes / 4 || tight.isWholeWindow)
        #expect(tight.sharedLayers < free.sharedLayers)
        #expect(tight.multiplyAdds > free.multiplyAdds)
    }
}
