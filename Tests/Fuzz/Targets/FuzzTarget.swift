/// What comes from outside, by the program's part that reads it.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// A model file, read, written again, and run where it is small.
    case model
    /// The daemon's configuration file.
    case configuration
    /// What a client of the socket sends.
    case client
    /// A manifest, as `train` and `evaluate` read it.
    case manifest
    /// A data set's published files, several in one input.
    case mtat, gtzan, msd, tagtraum
    /// A checkpoint of PyTorch's: a zip archive or the older format, pickles in both.
    case torch
    /// A checkpoint of Keras's, HDF5. libhdf5 crashes on some: each is read in a process of its own.
    case keras
    /// Keras's JSON beside a checkpoint.
    case architecture
    /// The list of tags that `import` takes.
    case tags

    /// Whether each input is read in a process of its own.
    package var isContained: Bool { self == .keras }

    /// A line that stands between the files of an input that has several.
    package static let separator: [UInt8] = Array("\n--file--\n".utf8)

    /// Names of an input's files in their order, as the published sets call them. One that the input doesn't reach is
    /// absent.
    var files: [String] {
        switch self {
        case .mtat:
            [
                "annotations_final.csv", "clip_info_final.csv", "train_list_pub.cP", "valid_list_pub.cP",
                "test_list_pub.cP",
            ]
        case .gtzan: ["train_filtered.txt", "valid_filtered.txt", "test_filtered.txt"]
        case .msd:
            [
                "50tagList.txt", "filtered_list_train.cP", "filtered_list_test.cP", "msd_id_to_tag_vector.cP",
                "MSD_id_to_7D_id.pkl", "7D_id_to_path.pkl",
            ]
        case .tagtraum:
            ["msd_tagtraum_cd2c.cls", "MSD_id_to_7D_id.pkl", "7D_id_to_path.pkl", "train_list.cP", "test_list.cP"]
        default: ["input"]
        }
    }
}
