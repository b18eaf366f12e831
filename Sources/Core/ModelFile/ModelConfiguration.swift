/// The `config` of a model file: everything that isn't a tensor.
struct ModelConfiguration: Equatable {
    var tags: [String]
    var output: OutputFunction
    var batchNormEpsilon: Double
    var nets: [NetShape]
    var classifier: ClassifierConfiguration?
    var thresholds: [String: Float]

    /// Most tags and nets a model may have; bounds what a hostile file can ask for.
    static let mostTags = 10_000
    static let mostNets = 64

    /// - Throws: a line that names the member, what was wanted and what was found.
    init(parsing text: String) throws(ConfigurationError) {
        let json: JSONValue
        do { json = try JSONValue(parsing: text.utf8) } catch { throw ConfigurationError(description: "\(error)") }
        let fields = ConfigurationFields(json: json, path: "")
        try fields.requireObject()
        let rate = try fields.double("sample_rate")
        guard rate == Double(Model.sampleRate) else {
            throw ConfigurationError(description: "sample_rate: \(Model.sampleRate) wanted, \(rate) found")
        }
        tags = try Self.tags(fields)
        output = try Self.output(fields) ?? .sigmoid
        batchNormEpsilon = try fields.epsilon("bn_epsilon")
        thresholds = try fields.thresholds(of: tags) ?? [:]
        nets = []
        for net in try fields.objects("nets") { nets.append(try Self.shape(net)) }
        guard (1...Self.mostNets).contains(nets.count) else {
            throw ConfigurationError(description: "nets: 1 to \(Self.mostNets) wanted, \(nets.count) found")
        }
        guard Set(nets.map(\.name)).count == nets.count else {
            throw ConfigurationError(description: "nets: two have the same name")
        }
        classifier = nil
        if let member = json["classifier"], member != .null {
            classifier = try Self.classifier(
                ConfigurationFields(json: member, path: "classifier."), nets: nets, tags: tags)
        }
    }

    private static func tags(_ fields: ConfigurationFields) throws(ConfigurationError) -> [String] {
        let (tags, name) = (try fields.strings("tags"), "\(fields.path)tags")
        guard (1...mostTags).contains(tags.count) else {
            throw ConfigurationError(description: "\(name): 1 to \(mostTags) wanted, \(tags.count) found")
        }
        guard Set(tags).count == tags.count, !tags.contains("") else {
            throw ConfigurationError(description: "\(name): a tag is empty or stands twice")
        }
        return tags
    }

    private static func output(_ fields: ConfigurationFields) throws(ConfigurationError) -> OutputFunction? {
        guard let name = try fields.optionalString("output") else { return nil }
        guard let function = OutputFunction(rawValue: name) else {
            throw ConfigurationError(description: "\(fields.path)output: sigmoid or softmax wanted, \(name) found")
        }
        return function
    }

    private static func shape(_ fields: ConfigurationFields) throws(ConfigurationError) -> NetShape {
        let name = try fields.string("name")
        guard !name.isEmpty else { throw ConfigurationError(description: "\(fields.path)name: empty") }
        do {
            return try NetShape(
                name: name, m: try fields.integer("m"), n: try fields.integer("n"),
                firstPadding: try fields.optionalInteger("first_padding") ?? 0,
                leftPadding: try fields.optionalInteger("left_padding"),
                widths: try fields.optionalIntegers("widths"))
        } catch let error as NetShapeError {
            throw ConfigurationError(description: "\(fields.path)\(error)")
        } catch let error as ConfigurationError {
            throw error
        } catch {
            throw ConfigurationError(description: "\(error)")
        }
    }

    private static func classifier(
        _ fields: ConfigurationFields, nets: [NetShape], tags usual: [String]
    ) throws(ConfigurationError) -> ClassifierConfiguration {
        try fields.requireObject()
        let names = try fields.strings("nets")
        guard !names.isEmpty, Set(names).count == names.count else {
            throw ConfigurationError(description: "classifier.nets: one or more different names wanted")
        }
        if let missing = names.first(where: { name in !nets.contains { $0.name == name } }) {
            throw ConfigurationError(description: "classifier.nets: \(missing) is not one of the model's nets")
        }
        let levels = try fields.integers("levels")
        guard !levels.isEmpty, Set(levels).count == levels.count, levels.allSatisfy({ (-3 ... -1).contains($0) }) else {
            throw ConfigurationError(
                description: "classifier.levels: different numbers from -3 to -1 wanted, \(levels) found")
        }
        let hidden = try fields.integers("hidden")
        guard hidden.count <= 16, hidden.allSatisfy({ (1...65_536).contains($0) }) else {
            throw ConfigurationError(
                description: "classifier.hidden: at most 16 widths of 1 to 65536 wanted, \(hidden) found")
        }
        let own = fields.json["tags"] == nil ? nil : try tags(fields)
        return ClassifierConfiguration(
            nets: names, levels: levels, hidden: hidden, batchNormEpsilon: try fields.epsilon("bn_epsilon"),
            tags: own, output: try output(fields), thresholds: try fields.thresholds(of: own ?? usual))
    }

    /// The configuration as the JSON of a model file.
    var json: String {
        var text: [UInt8] = []
        func list<T>(_ values: [T], _ write: (T) -> Void) {
            text.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { text.append(UInt8(ascii: ",")) }
                write(value)
            }
            text.append(UInt8(ascii: "]"))
        }
        func raw(_ string: String) { text.append(contentsOf: string.utf8) }
        func write(_ thresholds: [String: Float], of tags: [String]) {
            raw(",\"thresholds\":")
            text.appendJSON(thresholds: thresholds, of: tags)
        }
        raw("{\"sample_rate\":\(Model.sampleRate),\"tags\":")
        list(tags) { text.appendJSON(string: $0) }
        raw(",\"bn_epsilon\":\(batchNormEpsilon),\"output\":\"\(output.rawValue)\"")
        if !thresholds.isEmpty { write(thresholds, of: tags) }
        raw(",\"nets\":")
        list(nets) { net in
            raw("{\"name\":")
            text.appendJSON(string: net.name)
            raw(",\"m\":\(net.m),\"n\":\(net.n)")
            if net.firstPadding != 0 { raw(",\"first_padding\":\(net.firstPadding)") }
            if net.leftPadding != NetShape.usualLeftPadding(m: net.m) { raw(",\"left_padding\":\(net.leftPadding)") }
            if net.widths != NetShape.publishedWidths(n: net.n) {
                raw(",\"widths\":")
                list(net.widths) { raw("\($0)") }
            }
            raw("}")
        }
        if let classifier {
            raw(",\"classifier\":{\"nets\":")
            list(classifier.nets) { text.appendJSON(string: $0) }
            raw(",\"levels\":")
            list(classifier.levels) { raw("\($0)") }
            raw(",\"hidden\":")
            list(classifier.hidden) { raw("\($0)") }
            raw(",\"bn_epsilon\":\(classifier.batchNormEpsilon)")
            if let tags = classifier.tags {
                raw(",\"tags\":")
                list(tags) { text.appendJSON(string: $0) }
            }
            if let output = classifier.output { raw(",\"output\":\"\(output.rawValue)\"") }
            if let thresholds = classifier.thresholds { write(thresholds, of: classifier.tags ?? tags) }
            raw("}")
        }
        raw("}")
        return String(decoding: text, as: UTF8.self)
    }

    init(_ model: Model) {
        tags = model.tags
        output = model.output
        batchNormEpsilon = model.batchNormEpsilon
        nets = model.nets.map(\.shape)
        classifier = model.classifier?.configuration
        thresholds = model.thresholds
    }
}

/// A configuration that describes no model; the message names the member.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    let description: String
}

/// Typed access to the members of one object of the configuration.
private struct ConfigurationFields {
    let json: JSONValue
    /// What stands before a member's name in messages: `nets.0.`.
    let path: String

    private func wanted(_ what: String, _ name: String) -> ConfigurationError {
        ConfigurationError(description: "\(path)\(name): \(what) wanted, \(json[name]?.kind ?? "nothing") found")
    }

    func requireObject() throws(ConfigurationError) {
        guard case .object = json else {
            throw ConfigurationError(description: "\(path.dropLast()): an object wanted, \(json.kind) found")
        }
    }

    func string(_ name: String) throws(ConfigurationError) -> String {
        guard case .string(let value)? = json[name] else { throw wanted("a string", name) }
        return value
    }

    func optionalString(_ name: String) throws(ConfigurationError) -> String? {
        json[name] == nil ? nil : try string(name)
    }

    func integer(_ name: String) throws(ConfigurationError) -> Int {
        guard case .integer(let value)? = json[name] else { throw wanted("a whole number", name) }
        return value
    }

    func optionalInteger(_ name: String) throws(ConfigurationError) -> Int? {
        json[name] == nil ? nil : try integer(name)
    }

    func double(_ name: String) throws(ConfigurationError) -> Double {
        guard let value = json[name]?.double else { throw wanted("a number", name) }
        return value
    }

    /// A batch norm's ε: 1e-5 where nothing is said, as in PyTorch.
    func epsilon(_ name: String) throws(ConfigurationError) -> Double {
        guard json[name] != nil else { return 1e-5 }
        let value = try double(name)
        guard (0...1).contains(value) else {
            throw ConfigurationError(description: "\(path)\(name): 0 to 1 wanted, \(value) found")
        }
        return value
    }

    /// `thresholds`: an object of some of the tags and a probability for each; nil where there is none.
    func thresholds(of tags: [String]) throws(ConfigurationError) -> [String: Float]? {
        guard let json = json["thresholds"] else { return nil }
        guard case .object(let members) = json else { throw wanted("an object", "thresholds") }
        let known = Set(tags)
        var thresholds: [String: Float] = [:]
        for member in members {
            guard known.contains(member.name) else {
                throw ConfigurationError(description: "\(path)thresholds: \(member.name) is not one of the tags")
            }
            guard let value = member.value.double else {
                throw ConfigurationError(
                    description: "\(path)thresholds.\(member.name): a number wanted, \(member.value.kind) found")
            }
            guard (0...1).contains(value) else {
                throw ConfigurationError(
                    description: "\(path)thresholds.\(member.name): 0 to 1 wanted, \(value) found")
            }
            thresholds[member.name] = Float(value)
        }
        return thresholds
    }

    private func elements(_ name: String, of what: String) throws(ConfigurationError) -> [JSONValue] {
        guard case .array(let values)? = json[name] else { throw wanted("an array of \(what)", name) }
        return values
    }

    func strings(_ name: String) throws(ConfigurationError) -> [String] {
        var strings: [String] = []
        for value in try elements(name, of: "strings") {
            guard case .string(let string) = value else { throw wanted("an array of strings", name) }
            strings.append(string)
        }
        return strings
    }

    func integers(_ name: String) throws(ConfigurationError) -> [Int] {
        var integers: [Int] = []
        for value in try elements(name, of: "whole numbers") {
            guard case .integer(let integer) = value else { throw wanted("an array of whole numbers", name) }
            integers.append(integer)
        }
        return integers
    }

    func optionalIntegers(_ name: String) throws(ConfigurationError) -> [Int]? {
        json[name] == nil ? nil : try integers(name)
    }

    func objects(_ name: String) throws(ConfigurationError) -> [ConfigurationFields] {
        var objects: [ConfigurationFields] = []
        for (index, value) in try elements(name, of: "objects").enumerated() {
            let fields = ConfigurationFields(json: value, path: "\(path)\(name).\(index).")
            try fields.requireObject()
            objects.append(fields)
        }
        return objects
    }
}
