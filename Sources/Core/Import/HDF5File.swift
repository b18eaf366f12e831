import CHDF5

/// A file in the Hierarchical Data Format, version 5, read by libhdf5: groups with attributes, and arrays of floats.
///
/// Only what lies in the file itself is read: links into other files, arrays stored elsewhere and filters that would
/// have to be loaded are refused.
struct HDF5File: CheckpointTensors, ~Copyable {
    let path: String
    private let file: hid_t
    private let library: wavetag_hdf5

    private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    /// Most bytes of one attribute read; a net's whole configuration takes some 15 000.
    private static let longestAttribute = 1 << 24

    init(path: String) throws(ImportError) {
        // libhdf5 would say of an absent file what it says of a damaged one.
        let mapped = try MappedFile(checkpoint: path)
        guard mapped.bytes.starts(with: Self.signature) else {
            throw ImportError(.invalid, path, "an HDF5 file wanted: it doesn't begin as one")
        }
        guard let library = wavetag_hdf5_library()?.pointee else {
            throw ImportError(.unavailable, path, "HDF5: libhdf5 can't be loaded (Debian's package libhdf5-103-1)")
        }
        let file = wavetag_hdf5_open(path)
        guard file >= 0 else { throw ImportError(.invalid, path, "HDF5: damaged or truncated") }
        self.path = path
        self.file = file
        self.library = library
    }

    deinit { _ = library.H5Fclose(file) }

    // MARK: Attributes

    /// An attribute that holds one string or many.
    ///
    /// - Parameter group: a path; empty for the file's root.
    /// - Returns: nil where there is no such group or attribute.
    func strings(_ attribute: String, of group: String) throws(ImportError) -> [String]? {
        guard let object = object(group) else { return nil }
        defer { _ = library.H5Oclose(object) }
        guard library.H5Aexists(object, attribute) > 0 else { return nil }
        let place = group.isEmpty ? attribute : "\(group): \(attribute)"
        let handle = library.H5Aopen(object, attribute, 0)
        guard handle >= 0 else { throw invalid("\(place): damaged") }
        defer { _ = library.H5Aclose(handle) }
        let type = library.H5Aget_type(handle)
        let space = library.H5Aget_space(handle)
        defer {
            _ = library.H5Tclose(type)
            _ = library.H5Sclose(space)
        }
        let count = library.H5Sget_simple_extent_npoints(space)
        guard type >= 0, count >= 0 else { throw invalid("\(place): damaged") }
        // Python writes an empty list as one of numbers.
        guard count > 0 else { return [] }
        guard library.H5Tget_class(type) == H5T_STRING else { throw invalid("\(place): strings wanted") }
        let size = library.H5Tget_size(type)
        let (bytes, overflow) = size.multipliedReportingOverflow(by: Int(count))
        guard !overflow, size > 0, bytes <= Self.longestAttribute else { throw invalid("\(place): absurdly large") }
        guard
            let found = library.H5Tis_variable_str(type) > 0
                ? variable(handle, type: type, space: space, count: Int(count))
                : fixed(handle, type: type, size: size, count: Int(count))
        else { throw invalid("\(place): strings in UTF-8 wanted, or damaged") }
        return found
    }

    /// Strings of `size` bytes each, filled up with zeros or spaces.
    private func fixed(_ attribute: hid_t, type: hid_t, size: Int, count: Int) -> [String]? {
        var bytes = [UInt8](repeating: 0, count: size * count)
        guard library.H5Aread(attribute, type, &bytes) >= 0 else { return nil }
        let isSpaced = library.H5Tget_strpad(type) == H5T_STR_SPACEPAD
        var strings: [String] = []
        for index in 0..<count {
            var text = bytes[(index * size)..<((index + 1) * size)].prefix { $0 != 0 }
            while isSpaced, text.last == UInt8(ascii: " ") { text.removeLast() }
            guard let string = String(validating: text, as: UTF8.self) else { return nil }
            strings.append(string)
        }
        return strings
    }

    /// Strings that the library allocates, each as long as it is.
    private func variable(_ attribute: hid_t, type: hid_t, space: hid_t, count: Int) -> [String]? {
        var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
        guard library.H5Aread(attribute, type, &pointers) >= 0 else { return nil }
        defer { _ = library.H5Dvlen_reclaim(type, space, 0, &pointers) }
        var strings: [String] = []
        for pointer in pointers {
            guard let pointer, let string = String(validatingCString: pointer) else { return nil }
            strings.append(string)
        }
        return strings
    }

    // MARK: Arrays

    func shape(of name: String) throws(ImportError) -> [Int]? {
        guard let dataset = object(name) else { return nil }
        defer { _ = library.H5Oclose(dataset) }
        guard library.H5Iget_type(dataset) == H5I_DATASET else { throw invalid("\(name): an array wanted") }
        let space = library.H5Dget_space(dataset)
        defer { _ = library.H5Sclose(space) }
        let rank = Int(library.H5Sget_simple_extent_ndims(space))
        guard (0...8).contains(rank) else { throw invalid("\(name): at most 8 axes wanted, \(rank) found") }
        var lengths = [hsize_t](repeating: 0, count: 8)
        guard library.H5Sget_simple_extent_dims(space, &lengths, nil) >= 0 else { throw invalid("\(name): damaged") }
        return lengths.prefix(rank).map { Int(clamping: $0) }
    }

    func unchecked(_ name: String) throws(ImportError) -> [Float] {
        guard let count = try wantedShape(of: name).elementCount, let dataset = object(name) else {
            throw invalid("\(name): missing")
        }
        defer { _ = library.H5Oclose(dataset) }
        let type = library.H5Dget_type(dataset)
        defer { _ = library.H5Tclose(type) }
        guard library.H5Tget_class(type) == H5T_FLOAT, library.H5Tget_size(type) <= 8 else {
            throw invalid("\(name): floating-point numbers of at most 8 bytes wanted")
        }
        guard wavetag_hdf5_is_stored_within(dataset) != 0 else { throw invalid("\(name): no numbers in the file") }
        var values = [Float](repeating: 0, count: count)
        guard wavetag_hdf5_read_floats(dataset, &values) >= 0 else {
            throw invalid("\(name): its numbers can't be read: damaged, or compressed as libhdf5 can't")
        }
        return values
    }

    // MARK: Links

    func contains(_ name: String) -> Bool {
        guard let found = object(name) else { return false }
        _ = library.H5Oclose(found)
        return true
    }

    /// The group or array at a path, to be closed; nil where the path leads nowhere, or out of the file.
    private func object(_ path: String) -> hid_t? {
        var object = library.H5Oopen(file, "/", 0)
        for name in path.split(separator: "/") {
            guard object >= 0, library.H5Iget_type(object) == H5I_GROUP,
                wavetag_hdf5_is_hard_link(object, String(name)) != 0
            else {
                if object >= 0 { _ = library.H5Oclose(object) }
                return nil
            }
            let next = library.H5Oopen(object, String(name), 0)
            _ = library.H5Oclose(object)
            object = next
        }
        return object >= 0 ? object : nil
    }
}
