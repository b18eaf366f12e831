import Foundation
import Testing

@testable import Daemon

/// What shells complete, asked of bash itself.
@Suite("Shell completions")
struct CompletionTests {
    /// What bash offers for the last of `words`.
    private func offered(_ words: [String]) throws -> Set<String> {
        let quoted = words.map { "'\($0)'" }.joined(separator: " ")
        let script = """
            cd "$FOLDER"; source <("$WAVETAG" --generate-completion-script bash)
            COMP_WORDS=(\(quoted)); COMP_CWORD=\(words.count - 1); COMP_LINE="${COMP_WORDS[*]}"; COMP_POINT=${#COMP_LINE}
            _wavetag wavetag "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"; printf '%s\\n' "${COMPREPLY[@]}"
            """
        let bash = try ChildProcess(
            ["/bin/bash", "-c", script], environment: ["WAVETAG": ChildProcess.wavetag, "FOLDER": Self.folder])
        return Set(try bash.end().output.split(separator: "\n").map(String.init))
    }

    private static let folder = "/tmp/wavetag-complete-\(UUID().uuidString.prefix(8))"

    @Test("Commands, options, what an option may be, files")
    func bash() async throws {
        try FileManager.default.createDirectory(atPath: Self.folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: Self.folder) }
        for name in ["song.flac", "model.safetensors"] {
            try Data().write(to: URL(fileURLWithPath: "\(Self.folder)/\(name)"))
        }
        for (words, wanted) in [
            (["wa"], ["watch"]),
            (["run", "--dev"], ["--device"]),
            (["run", "--pace", ""], ["device", "realtime", "wait"]),
            (["run", "--log-level", "w"], ["warning"]),
            (["tag", "--format", "c"], ["csv"]),
            (["tag", "so"], ["song.flac"]),
            (["tag", "--model", "m"], ["model.safetensors"]),
            (["inspect", "m"], ["model.safetensors"]),
        ] {
            let found = try await blocking { try offered(["wavetag"] + words) }
            #expect(found == Set(wanted), "\(words)")
        }
    }

    @Test("Scripts for zsh and fish are written too", arguments: ["zsh", "fish"])
    func others(shell: String) async throws {
        let script = try await blocking {
            try ChildProcess([ChildProcess.wavetag, "--generate-completion-script", shell]).end()
        }
        #expect(script.code == 0)
        #expect(script.output.contains("wavetag") && script.output.contains("log-level"))
    }
}
