import CFuzzer
import FuzzTargets
import Glibc

// fuzz TARGET [libFuzzer's options and folders]; for contained targets see Contained.swift.
guard CommandLine.arguments.count > 1, let target = FuzzTarget(rawValue: CommandLine.arguments[1]) else {
    print("a target wanted: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: " "))")
    exit(64)
}
guard !target.isContained else { exit(fuzz(contained: target, Array(CommandLine.arguments.dropFirst(2)))) }

nonisolated(unsafe) let reader = FuzzReader(target)
var count = CommandLine.argc - 1
var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv + 1
exit(
    LLVMFuzzerRunDriver(&count, &arguments) { data, size in
        reader.read(UnsafeRawBufferPointer(start: data, count: size))
        return 0
    })
