// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "wavetag",
    products: [
        .executable(name: "wavetag", targets: ["Program"]),
        .library(name: "Core", targets: ["Core"]),
        .library(name: "Streaming", targets: ["Streaming"]),
        // An ALSA plugin for tests: ALSA loads it by this name.
        .library(name: "asound_module_pcm_scripted", type: .dynamic, targets: ["ScriptedDevice"]),
        // For tests too: a clock that is set while a program runs.
        .library(name: "shifted_clock", type: .dynamic, targets: ["ShiftedClock"]),
        // And what a program has the disk take.
        .library(name: "sync_recorder", type: .dynamic, targets: ["SyncRecorder"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-configuration", from: "1.4.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Nets, features, model files, sound files: no device, no socket, no clock.
        .target(name: "Core", dependencies: ["CKernels", "CCrypto", "CHDF5", "COpenBLAS", "CSndfile", "CSoxr"]),
        // A never-ending signal into tags.
        .target(name: "Streaming", dependencies: ["Core"]),
        // All that the program does: commands, ALSA, socket, systemd.
        .target(
            name: "Daemon",
            dependencies: [
                "Core", "Streaming", "CALSA", "CLinux", "CSystemd",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            exclude: ["Program"]
        ),
        // Where it begins: a target of its own, since tests and the fuzzer link the rest as a library.
        .executableTarget(name: "Program", dependencies: ["Daemon"], path: "Sources/Daemon/Program"),

        // The arithmetic that no library does for us, dispatched at run time. Always
        // optimised: at -O0 a full window takes seconds, and debug tests would measure that.
        .target(name: "CKernels", cSettings: [.unsafeFlags(["-O3", "-fno-math-errno"])]),

        .systemLibrary(name: "CALSA", pkgConfig: "alsa", providers: [.apt(["libasound2-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        // Not `hdf5`: where the MPI build is installed too, that name may be its.
        // Not linked: loaded where a checkpoint wants it.
        .target(name: "CHDF5"),
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CSndfile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
        .systemLibrary(name: "CSoxr", pkgConfig: "soxr", providers: [.apt(["libsoxr-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),

        .testTarget(name: "CoreTests", dependencies: ["Core", "CSndfile"]),
        .target(name: "AllocationCounter", path: "Tests/AllocationCounter"),
        .target(
            name: "ScriptedDevice", dependencies: ["CALSA"], path: "Tests/ScriptedDevice", cSettings: [.define("PIC")]),
        .target(name: "ShiftedClock", path: "Tests/ShiftedClock"),
        .target(name: "SyncRecorder", path: "Tests/SyncRecorder"),
        .testTarget(name: "StreamingTests", dependencies: ["Streaming", "AllocationCounter"]),
        .testTarget(
            name: "DaemonTests",
            dependencies: [
                "Daemon",
                "AllocationCounter",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]
        ),
        // What comes from outside, as bytes: each kind with the program's own reader of it.
        .target(name: "FuzzTargets", dependencies: ["Core", "Streaming", "Daemon"], path: "Tests/Fuzz/Targets"),
        .testTarget(name: "FuzzTests", dependencies: ["FuzzTargets"], path: "Tests/FuzzTests"),
    ],
    swiftLanguageModes: [.v6]
)

// `make fuzz`: wants a build in which all of this counts where it has been, and libFuzzer linked in.
if Context.environment["WAVETAG_FUZZ"] != nil {
    package.targets += [
        .systemLibrary(name: "CFuzzer", path: "Tests/Fuzz/CFuzzer"),
        .executableTarget(name: "Fuzz", dependencies: ["CFuzzer", "FuzzTargets"], path: "Tests/Fuzz/Program"),
    ]
}
