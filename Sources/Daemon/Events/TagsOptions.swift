/// Which tags a `tags` or `song` event shows, and how much of each net.
struct TagsOptions: Sendable, Hashable {
    /// So many of the likeliest, in falling order; nil: all, in the model's order.
    var top: Int?
    /// Only from this probability on.
    var threshold: Float?
    /// Only these, as indices of the model's tags.
    var tags: [Int]?
    /// The same of a song's tags, where a classifier has its own; set together with `tags`.
    var songTags: [Int]?
    /// Also what each net says.
    var detailNets = false

    init() {}
}
