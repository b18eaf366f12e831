// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that nobody who only builds wavetag builds the benchmark library.
let package = Package(
    name: "wavetag-benchmarks",
    dependencies: [
        .package(name: "wavetag", path: ".."),
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "Engine",
            dependencies: [
                .product(name: "Core", package: "wavetag"),
                .product(name: "Streaming", package: "wavetag"),
                .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/Engine",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]
        )
    ],
    swiftLanguageModes: [.v6]
)
