import Dispatch
import Synchronization

/// Puts segments of a data set into a trainer's batch, varied as asked; the same seed and place give the same bits.
struct BatchFiller {
    let store: SegmentStore
    let augmentation: Augmentation
    let output: OutputFunction
    let seed: UInt64

    /// The order of an epoch's segments.
    func order(epoch: Int) -> [Int] {
        var order = Array(store.segments.indices)
        var generator = SplitMix64(seed: seed, 1, UInt64(epoch))
        for index in order.indices.dropLast() {
            order.swapAt(index, index + Int(generator.nextUnit() * Double(order.count - index)))
        }
        return order
    }

    /// - Parameters:
    ///   - segments: of the store, at most a batch.
    ///   - place: of the batch in the whole training: its epoch and its number there.
    func fill(_ trainer: NetTrainer, _ segments: ArraySlice<Int>, place: (epoch: Int, batch: Int))
        throws(SoundCacheError)
    {
        let segments = Array(segments)
        var mixing = SplitMix64(seed: seed, 2, UInt64(place.epoch), UInt64(place.batch))
        let share = augmentation.mixup > 0 ? Float(mixing.nextBeta(augmentation.mixup)) : 1
        let turn = segments.count > 1 ? 1 + Int(mixing.nextUnit() * Double(segments.count - 1)) : 0
        let failure = Mutex<SoundCacheError?>(nil)
        let threads = trainer.settings.threads
        // Safe to share: each thread fills windows of its own.
        nonisolated(unsafe) let trainer = trainer
        DispatchQueue.concurrentPerform(iterations: threads) { thread in
            var scratch = share < 1 ? [Float](repeating: 0, count: trainer.shape.window) : []
            for index in (segments.count * thread / threads)..<(segments.count * (thread + 1) / threads) {
                let generator = SplitMix64(seed: seed, 3, UInt64(place.epoch), UInt64(place.batch), UInt64(index))
                let partners = SplitMix64(seed: seed, 5, UInt64(place.epoch), UInt64(place.batch), UInt64(index))
                let target = trainer.window(index)
                let labels = trainer.labels + index * trainer.tags
                do throws(SoundCacheError) {
                    try copy(segments[index], share: share, adding: false, generator, into: target, labels, &scratch)
                    if share < 1 {
                        let other = segments[(index + turn) % segments.count]
                        try copy(other, share: 1 - share, adding: true, partners, into: target, labels, &scratch)
                    }
                } catch { failure.withLock { $0 = error } }
            }
        }
        if let error = failure.withLock({ $0 }) { throw error }
    }

    /// One segment, varied, times its share of a mixture, to or onto what is there.
    private func copy(
        _ segment: Int, share: Float, adding: Bool, _ generator: SplitMix64, into target: UnsafeMutablePointer<Float>,
        _ labels: UnsafeMutablePointer<Float>, _ scratch: inout [Float]
    ) throws(SoundCacheError) {
        var generator = generator
        let draw = augmentation.draw(shifts: store.shifts(of: segment), window: store.window, &generator)
        let gain = draw.gain * share
        let filter = augmentation.drawFilter(&generator)
        if adding {
            try store.copy(segment: segment, shiftedBy: draw.shift, into: &scratch)
            scratch.withUnsafeMutableBufferPointer { filter?.apply(to: $0.baseAddress!, count: store.window) }
            for index in 0..<store.window { target[index] += scratch[index] * gain }
        } else {
            try store.copy(segment: segment, shiftedBy: draw.shift, into: target)
            filter?.apply(to: target, count: store.window)
            if gain != 1 { for index in 0..<store.window { target[index] *= gain } }
        }
        let own = store.labels(of: segment)
        // Of a softmax, labels are shares of one.
        let sum = output == .softmax ? own.reduce(0, +) : 1
        for tag in own.indices {
            let label = augmentation.smooth(sum > 0 ? own[tag] / sum : 0, tags: own.count, output) * share
            labels[tag] = adding ? labels[tag] + label : label
        }
    }
}
