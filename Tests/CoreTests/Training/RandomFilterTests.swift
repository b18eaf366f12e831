import Foundation
import Testing

@testable import Core

@Suite("Random filter")
struct RandomFilterTests {
    static let nothing = FilterSection.peak(at: 0.2, decibels: 0, quality: 1)

    /// What comes out for an impulse.
    func response(_ filter: RandomFilter, count: Int = 16_384) -> [Float] {
        var sound = [Float](repeating: 0, count: count)
        sound[0] = 1
        sound.withUnsafeMutableBufferPointer { filter.apply(to: $0.baseAddress!, count: count) }
        return sound
    }

    /// The gain at a share of the sample rate, dB.
    func gain(_ response: [Float], at place: Double) -> Double {
        var (real, imaginary) = (0.0, 0.0)
        for (index, value) in response.enumerated() {
            real += Double(value) * cos(2 * Double.pi * place * Double(index))
            imaginary -= Double(value) * sin(2 * Double.pi * place * Double(index))
        }
        return 10 * log10(real * real + imaginary * imaginary)
    }

    @Test("Gains are where they were asked for", arguments: [9.0, -9])
    func gains(decibels: Double) {
        let peak = response(
            RandomFilter([Self.nothing, .peak(at: 0.05, decibels: decibels, quality: 2), Self.nothing, Self.nothing]))
        #expect(abs(gain(peak, at: 0.05) - decibels) < 0.01)
        #expect(abs(gain(peak, at: 0)) < 0.01 && abs(gain(peak, at: 0.5)) < 0.01)
        let low = response(
            RandomFilter([.lowShelf(at: 0.01, decibels: decibels), Self.nothing, Self.nothing, Self.nothing]))
        #expect(abs(gain(low, at: 0) - decibels) < 0.01 && abs(gain(low, at: 0.01) - decibels / 2) < 0.01)
        #expect(abs(gain(low, at: 0.5)) < 0.01)
        let high = response(
            RandomFilter([Self.nothing, Self.nothing, Self.nothing, .highShelf(at: 0.2, decibels: decibels)]))
        #expect(abs(gain(high, at: 0.5) - decibels) < 0.01 && abs(gain(high, at: 0.2) - decibels / 2) < 0.01)
        #expect(abs(gain(high, at: 0)) < 0.01)
    }

    @Test("Four lanes do what four filters do one after the other")
    func lanes() {
        var generator = SplitMix64(state: 8)
        let sections: [FilterSection] = [
            .lowShelf(at: 0.01, decibels: 7), .peak(at: 0.03, decibels: -8, quality: 3),
            .peak(at: 0.2, decibels: 6, quality: 0.7), .highShelf(at: 0.15, decibels: -5),
        ]
        let noise = (0..<5000).map { _ in generator.nextUniform() }
        var wanted = noise.map(Double.init)
        for section in sections {
            let input = wanted
            for t in input.indices {
                func x(_ back: Int) -> Double { t >= back ? input[t - back] : 0 }
                func y(_ back: Int) -> Double { t >= back ? wanted[t - back] : 0 }
                wanted[t] =
                    section.b.0 * x(0) + section.b.1 * x(1) + section.b.2 * x(2) - section.a.0 * y(1) - section.a.1
                    * y(2)
            }
        }
        var found = noise
        found.withUnsafeMutableBufferPointer { RandomFilter(sections).apply(to: $0.baseAddress!, count: noise.count) }
        #expect(zip(found, wanted).allSatisfy { abs(Double($0) - $1) < 1e-4 })
    }

    @Test("What is drawn stays within the gains asked for, and is another one each time")
    func drawn() {
        var augmentation = Augmentation()
        var generator = SplitMix64(state: 9)
        #expect(augmentation.drawFilter(&generator) == nil)
        augmentation.filter = 6
        let responses = (0..<40).map { _ in response(augmentation.drawFilter(&generator)!, count: 4096) }
        #expect(Set(responses).count == 40)
        for response in responses {
            for place in stride(from: 0.01, to: 0.5, by: 0.035) { #expect(abs(gain(response, at: place)) < 4 * 6) }
            // Shelves alone reach the ends.
            #expect(abs(gain(response, at: 0.5)) < 6.5)
        }
        #expect(responses.contains { abs(gain($0, at: 0.5)) > 3 })
    }
}
