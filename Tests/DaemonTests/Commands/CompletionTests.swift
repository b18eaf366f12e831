import Foundation
import Testing

@testable import Daemon

/// What shells complete, asked of the shells themselves.
@Suite("Shell completions")
struct CompletionTests {
    /// A folder with a sound, a model and the shells' scripts.
    private final class Place {
        let folder = "/tmp/wavetag-complete-\(UUID().uuidString.prefix(8))"

        init(for shell: String) throws {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for name in ["song.flac", "model.safetensors"] {
                try Data().write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
            }
            let script = try ChildProcess([ChildProcess.wavetag, "--generate-completion-script", shell]).end()
            // zsh finds it by this name.
            try Data(script.output.utf8).write(to: URL(fileURLWithPath: "\(folder)/_wavetag"))
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        /// What a shell's script writes of a line that ends where somebody presses the tabulator.
        func ask(_ shell: [String], line: String) throws -> String {
            let environment = ["FOLDER": folder, "LINE": line, "HOME": folder, "TERM": "dumb"]
            return try ChildProcess(shell, environment: environment).end().output
        }
    }

    /// Lines, and what may come in the place of their last words.
    private static let lines: KeyValuePairs<String, [String]> = [
        "wavetag wa": ["watch"],
        "wavetag run --dev": ["--device"],
        "wavetag run --pace ": ["device", "realtime", "wait"],
        "wavetag run --log-level w": ["warning"],
        "wavetag run --no-such": [],
        "wavetag tag --format c": ["csv"],
        "wavetag tag so": ["song.flac"],
        "wavetag tag --model m": ["model.safetensors"],
        "wavetag inspect m": ["model.safetensors"],
    ]

    @Test("bash: commands, options, what an option may be, files")
    func bash() async throws {
        let script = """
            cd "$FOLDER"; source _wavetag
            COMP_LINE=$LINE; COMP_POINT=${#LINE}; COMP_WORDS=($LINE); [[ $LINE != *' ' ]] || COMP_WORDS+=('')
            COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            _wavetag wavetag "${COMP_WORDS[-1]}" "${COMP_WORDS[-2]}"; printf '%s\\n' "${COMPREPLY[@]}"
            """
        try await blocking {
            let place = try Place(for: "bash")
            for (line, wanted) in Self.lines {
                let found = try place.ask(["/bin/bash", "-c", script], line: line).split(separator: "\n")
                #expect(Set(found.map(String.init)) == Set(wanted), "\(line)")
            }
        }
    }

    @Test("fish: the same", .enabled(if: access("/usr/bin/fish", X_OK) == 0, "fish is not installed"))
    func fish() async throws {
        let script = "cd $FOLDER; source _wavetag; complete -C $LINE"
        try await blocking {
            let place = try Place(for: "fish")
            for (line, wanted) in Self.lines {
                let found = try place.ask(["/usr/bin/fish", "--no-config", "-c", script], line: line)
                // Behind a tabulator it says what that is.
                #expect(
                    found.split(separator: "\n").map { String($0.prefix { $0 != "\t" }) }.sorted() == wanted.sorted(),
                    "\(line)")
            }
        }
    }

    @Test("zsh: the same", .enabled(if: access("/usr/bin/zsh", X_OK) == 0, "zsh is not installed"))
    func zsh() async throws {
        // A line editor is asked, in a terminal of its own: what it makes of the line, behind what it lists.
        let script = """
            cd $FOLDER; zmodload zsh/zpty; zpty shell zsh -f -i
            zpty -w shell 'PS1=; fpath=($FOLDER $fpath); autoload -Uz compinit; compinit -u -D
            say() { print -r -- "<$BUFFER>" }; zle -N say; bindkey "^X" say; print rea""dy'
            zpty -r shell out '*ready*'
            zpty -w -n shell "$LINE"$'\\t\\x18'
            zpty -r shell out '*<*>*'; print -r -- $out
            """
        try await blocking {
            let place = try Place(for: "zsh")
            for (line, wanted) in Self.lines {
                let found = try place.ask(["/usr/bin/zsh", "-f", "-c", script], line: line)
                let kept = line.prefix(through: line.lastIndex(of: " ")!)
                let whole = wanted.count == 1 ? kept + wanted[0] + " " : line[...]
                #expect(found.hasSuffix("<\(whole)>\n"), "\(found)")
                let listed = Set(found.split(whereSeparator: \.isWhitespace).map(String.init))
                if wanted.count > 1 { #expect(listed.isSuperset(of: wanted), "\(found)") }
            }
        }
    }
}
