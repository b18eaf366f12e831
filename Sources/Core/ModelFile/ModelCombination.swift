extension ModelFile {
    /// Several models as one: their nets one behind the other, as a classifier over several scales wants them. Classifiers
    /// and thresholds are left behind, unless there is only one model.
    ///
    /// - Throws: `ModelFileError` where two differ in tags, output or ε, or have a net of one name.
    public static func combining(_ files: [ModelFile]) throws(ModelFileError) -> ModelFile {
        precondition(!files.isEmpty)
        guard let first = files.first, files.count > 1 else { return files[0] }
        var model = first.model
        model.classifier = nil
        // What was chosen for one model's probabilities isn't right for the mean of several.
        model.thresholds = [:]
        for file in files.dropFirst() {
            func differs(_ what: String) -> ModelFileError {
                ModelFileError(.invalid, file.name, "its \(what) differ from those of \(first.name)")
            }
            guard file.model.tags == model.tags else { throw differs("tags") }
            guard file.model.output == model.output else { throw differs("outputs") }
            guard file.model.batchNormEpsilon == model.batchNormEpsilon else { throw differs("ε of batch norm") }
            for net in file.model.nets {
                guard !model.nets.contains(where: { $0.shape.name == net.shape.name }) else {
                    throw ModelFileError(.invalid, file.name, "a net \(net.shape.name) is there already")
                }
                model.nets.append(net)
            }
        }
        return ModelFile(
            model: model, name: files.map(\.name).joined(separator: "+"),
            sha256: files.map(\.sha256).joined(separator: "+"), size: files.reduce(0) { $0 + $1.size })
    }
}
