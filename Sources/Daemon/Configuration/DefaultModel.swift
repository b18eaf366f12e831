import Glibc

/// Where the model is when nobody names one.
enum DefaultModel {
    /// Installed, or bundled with a checkout that holds the program or in which one stands.
    static func path(environment: [String: String]) -> String {
        if let named = environment["WAVETAG_MODEL"], !named.isEmpty { return named }
        var candidates = ["/usr/share/wavetag/default.safetensors", "models/default.safetensors"]
        // .build/<triple>/<configuration>/wavetag stands four levels below the checkout.
        var folder = executable.split(separator: "/").dropLast()
        for _ in 0..<4 where !folder.isEmpty {
            folder = folder.dropLast()
            candidates.append("/" + folder.joined(separator: "/") + "/models/default.safetensors")
        }
        return candidates.first { access($0, R_OK) == 0 } ?? candidates[0]
    }

    private static var executable: String {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return "" }
        return String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
