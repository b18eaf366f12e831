import ArgumentParser

/// Exit codes of sysexits.h that wavetag uses; scripts rely on them.
extension ExitCode {
    static let usage = ExitCode(64)
    static let badData = ExitCode(65)
    static let noInput = ExitCode(66)
    static let unavailable = ExitCode(69)
    static let ioError = ExitCode(74)
    static let badConfiguration = ExitCode(78)
}
