import Core
import Foundation
import Testing

@Suite("Files that are replaced whole")
struct WholeFileTests {
    private let folder: DatasetFolder

    init() throws { folder = try DatasetFolder() }

    private var path: String { folder.path + "/file" }

    private var names: [String] {
        get throws { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }
    }

    @Test("Readers see the old one until the new one is whole, whatever a crash has left beside it")
    func whole() throws {
        try folder.write("file", "old")
        try folder.write("file.partial", "of a crash, and longer than what comes")
        var file = WholeFile(path)
        for part in ["new", "", "er"] { Array(part.utf8).withUnsafeBytes { file.append($0) } }
        #expect(try folder.read("file") == "old")
        #expect(file.takePlace() == 0)
        #expect(try folder.read("file") == "newer")
        #expect(try names == ["file"])
    }

    @Test("What is given up leaves the old one, and nothing beside it")
    func givenUp() throws {
        try folder.write("file", "old")
        do {
            var file = WholeFile(path, ending: ".new")
            [UInt8(1), 2, 3].withUnsafeBytes { file.append($0) }
            #expect(try names == ["file", "file.new"])
        }
        #expect(try folder.read("file") == "old")
        #expect(try names == ["file"])
    }

    @Test("A mode is held against the umask, and names are relative to a folder that is open")
    func mode() throws {
        let descriptor = open(folder.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { close(descriptor) }
        #expect(WholeFile.replace("file", in: descriptor, with: [1, 2], isFlushed: false, mode: 0o606) == 0)
        var status = stat()
        #expect(stat(path, &status) == 0 && status.st_size == 2 && status.st_mode & 0o777 == 0o606)
    }

    @Test("Errors by their numbers, and nothing left beside")
    func errors() throws {
        #expect(WholeFile.replace(folder.path + "/none/file", with: []) == ENOENT)
        // No link is followed, and no folder replaced.
        symlink("/dev/null", path + ".partial")
        #expect(WholeFile.replace(path, with: [1]) == ELOOP)
        unlink(path + ".partial")
        try folder.write("file/inside", "")
        #expect(WholeFile.replace(path, with: [1]) == EISDIR)
        #expect(try names == ["file"])
    }
}
