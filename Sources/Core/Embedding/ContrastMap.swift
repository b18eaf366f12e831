/// Songs of two tags as a part of their features has them: in the plane, and how clustered the tags are.
public struct ContrastMap: Sendable, Equatable {
    /// Mean silhouettes, the two tags being the groups; nil where a tag has no songs.
    public struct Clustering: Sendable, Equatable {
        /// In the space of the features.
        public let features: Double?
        /// In the plane.
        public let plane: Double?
    }

    /// [songs, 2], in the order of the contrast's songs.
    public let points: [Double]
    /// What t-SNE leaves, in nats.
    public let divergence: Double
    public let perplexity: Double
    public let all: Clustering
    /// Of the songs of split test, in the same space and the same picture.
    public let test: Clustering

    /// Features are standardised over the contrast's songs, so that each counts alike in a distance. Perplexity is 30, or
    /// a third of the other songs where they are few.
    ///
    /// - Parameters:
    ///   - contrast: two songs of each group or more.
    ///   - layout: nets and levels, all of them in the file.
    ///   - isCancelled: ends t-SNE where it stands.
    ///   - progress: called with the share done.
    /// - Throws: `FeatureError` where the file lacks features, or one isn't finite.
    public init(
        _ contrast: TagContrast, in file: FeatureFile, layout: FeatureLayout,
        isCancelled: () -> Bool = { false }, progress: (Double) -> Void = { _ in }
    ) throws(FeatureError) {
        let songs = contrast.songs
        let groups = songs.map(\.group)
        let raw = SongSet(
            width: layout.count, tags: 1, features: try file.features(of: songs.map(\.song), layout: layout),
            labels: groups.map { Float($0) })
        let features = raw.standardised(by: raw.standardisation).features.map { Double($0) }
        var settings = TSNE()
        settings.perplexity = min(30, Double(songs.count - 1) / 3)
        let embedding: TSNE.Embedding
        do throws(TSNEError) {
            embedding = try settings.embed(
                features, dimensions: layout.count, isCancelled: isCancelled, progress: progress)
        } catch { throw FeatureError(error.description) }
        points = embedding.points
        divergence = embedding.divergence
        perplexity = settings.perplexity
        func clustering(_ places: [Int]) -> Clustering {
            func score(_ points: [Double], _ dimensions: Int) -> Double? {
                Silhouette.score(
                    places.flatMap { points[($0 * dimensions)..<(($0 + 1) * dimensions)] }, dimensions: dimensions,
                    labels: places.map { groups[$0] })
            }
            return Clustering(features: score(features, layout.count), plane: score(embedding.points, 2))
        }
        all = clustering(Array(songs.indices))
        test = clustering(songs.indices.filter { file.splits[songs[$0].song] == .test })
    }
}
