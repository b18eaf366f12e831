import Foundation
import Testing

@testable import Daemon

/// The socket's permissions, tried as three users that aren't root.
@Suite("Who may listen")
struct SocketPermissionTests {
    private static let setpriv = "/usr/bin/setpriv"
    /// A user, and a group that nobody is in but by the test's word.
    private static let user = "61234"
    private static let group = "61235"

    /// `wavetag watch` as the user, in these groups besides a group of the user's own.
    private static func watch(_ program: String, groups: [String], socket: String) throws -> ChildProcess {
        try ChildProcess(
            [setpriv, "--reuid", user, "--regid", user]
                + (groups.isEmpty ? ["--clear-groups"] : ["--groups", groups.joined(separator: ",")])
                + [program, "watch", "--once", "--format", "json", "--socket", socket])
    }

    @Test(
        "A user in the socket's group reads tags, one outside of it is refused in one line; mode 0666 lets both",
        .enabled(if: getuid() == 0 && access(setpriv, X_OK) == 0, "wants root and setpriv"))
    func groups() async throws {
        try await blocking {
            let fixture = try LiveFixture()
            // The build's folder may be one that only its owner may enter. Not written by this process: what another test
            // is just starting would have a copy of the descriptor, and a file that is open for writing can't be run.
            let program = fixture.folder + "/wavetag"
            try #require(try ChildProcess(["/bin/cp", ChildProcess.wavetag, program]).end().code == 0)
            let daemon = try fixture.daemon(environment: ["WAVETAG_SOCKET_GROUP": Self.group])
            try daemon.waitForErrorLine(containing: "listening")

            let member = try Self.watch(program, groups: [Self.group], socket: fixture.socket)
            #expect(try member.readLine()?.hasPrefix(#"{"type":"hello""#) == true)
            #expect(try member.readLine()?.hasPrefix(#"{"type":"tags""#) == true)

            for groups in [[], ["61236"]] {
                let stranger = try Self.watch(program, groups: groups, socket: fixture.socket).end()
                #expect(stranger.code == 69)
                #expect(stranger.output.isEmpty)
                #expect(stranger.errors == "wavetag: watch: \(fixture.socket): Permission denied\n")
            }
            // The one who may went on reading meanwhile.
            #expect(try member.readLine()?.hasPrefix(#"{"type":"tags""#) == true)

            daemon.signal(SIGTERM)
            #expect(try daemon.end().code == 0)
            let open = try fixture.daemon(environment: ["WAVETAG_SOCKET_MODE": "0666"])
            try open.waitForErrorLine(containing: "listening")
            let stranger = try Self.watch(program, groups: [], socket: fixture.socket)
            #expect(try stranger.readLine()?.hasPrefix(#"{"type":"hello""#) == true)
        }
    }
}
