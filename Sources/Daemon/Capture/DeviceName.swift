import Glibc

/// What a device is called in the settings, and what ALSA is asked for.
enum DeviceName {
    /// The PCM of a name.
    ///
    /// Most are ALSA's own and stay as they are, `hw:CARD=USB` among them: ALSA looks its card up wherever it is opened. The
    /// path of a link to a card's control or capture device, as udev makes them in /dev/snd/by-id and /dev/snd/by-path, is
    /// followed to the card's number; `hw:` or `plughw:` may stand before it and `,1` for a card's second device behind.
    ///
    /// - Throws: `CaptureError` where the path leads to no card now.
    static func pcm(of name: String) throws(CaptureError) -> String {
        var path = Substring(name)
        var kind = "hw"
        for prefix in ["hw:", "plughw:"] where name.hasPrefix(prefix + "/") {
            kind = String(prefix.dropLast())
            path = name.dropFirst(prefix.count)
        }
        guard path.hasPrefix("/") else { return name }
        var device: Int?
        if let comma = path.lastIndex(of: ","), let number = Int(path[path.index(after: comma)...]) {
            device = number
            path = path[..<comma]
        }
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(String(path), &buffer, buffer.count - 1)
        // What is no link may be the device itself.
        guard count >= 0 || errno == EINVAL else { throw CaptureError(name, -errno) }
        let target =
            count < 0 ? String(path) : String(decoding: buffer[..<count].map(UInt8.init(bitPattern:)), as: UTF8.self)
        let file = target.split(separator: "/").last ?? ""
        if let card = file.wholeMatch(of: /controlC([0-9]+)/) { return "\(kind):\(card.1),\(device ?? 0)" }
        if let pcm = file.wholeMatch(of: /pcmC([0-9]+)D([0-9]+)c/) {
            return "\(kind):\(pcm.1),\(device ?? Int(pcm.2)!)"
        }
        throw CaptureError(name, -EINVAL, "a sound card's controlC… or pcmC…D…c wanted")
    }
}
