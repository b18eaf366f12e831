import ArgumentParser
import Core
import Glibc

/// Exit codes of sysexits.h that wavetag uses; scripts rely on them.
extension ExitCode {
    static let usage = ExitCode(64)
    static let badData = ExitCode(65)
    static let noInput = ExitCode(66)
    static let unavailable = ExitCode(69)
    static let ioError = ExitCode(74)
    static let badConfiguration = ExitCode(78)

    /// Says why on standard error, in one line, and gives the code back to be thrown.
    static func because(_ code: ExitCode, _ reason: some CustomStringConvertible) -> ExitCode {
        reportError(reason)
        return code
    }

    static func because(_ error: ModelFileError) -> ExitCode {
        let code: ExitCode =
            switch error.kind {
            case .missing: .noInput
            case .unreadable: .ioError
            case .invalid: .badData
            }
        return because(code, error)
    }

    static func because(_ error: SoundFileError) -> ExitCode {
        let code: ExitCode =
            switch error.kind {
            case .missing: .noInput
            case .unreadable: .ioError
            case .invalid: .badData
            }
        return because(code, error)
    }
}

extension ExitCode {
    static func because(_ error: SoundCacheError) -> ExitCode {
        because(error.kind == .tooSmall ? .badConfiguration : .ioError, error)
    }
}

extension Precision: ExpressibleByArgument {}

/// One line on standard error, `wavetag: what: where: why`.
func reportError(_ reason: some CustomStringConvertible) {
    let line = reason.description.split(whereSeparator: \.isNewline).joined(separator: " ")
    Output.write("wavetag: \(line)\n", to: STDERR_FILENO)
}
