import Testing

@testable import Daemon

/// A machine in numbers: sound comes a second at a time, and is heard as fast as it goes.
private struct Machine {
    var rule: OverloadRule
    /// Seconds that a second of sound takes at each level, on this machine alone.
    var loads: [Double]
    /// Part of the machine that this program gets.
    var share = 1.0
    /// Whether sound comes.
    var hasSound = true
    private(set) var time = 0.0
    private(set) var heard = 0.0
    private(set) var busy = 0.0
    var backlog = 0.0
    /// When the level changed, to what.
    private(set) var changes: [(time: Double, level: Int)] = []

    init(loads: [Double], costs: [Double]? = nil) {
        rule = OverloadRule(costs: costs ?? loads)
        self.loads = loads
    }

    mutating func run(seconds: Double) {
        let end = time + seconds
        while time < end {
            time += 0.25
            if hasSound { backlog += 0.25 }
            // What the clock says: a second of sound takes longer where others compute too.
            let slowness = loads[rule.level] / share
            let done = min(backlog, 0.25 / slowness)
            backlog = min(4, backlog - done)
            heard += done
            busy += done * slowness
            let level = rule.level
            let verdict = rule.judge(time: time, heard: heard, busy: busy, backlog: backlog)
            #expect(rule.level == level + (verdict == .less ? 1 : verdict == .more ? -1 : 0))
            if verdict != .stay { changes.append((time, rule.level)) }
        }
    }
}

@Suite("When less is asked of the nets, and when more")
struct OverloadRuleTests {
    @Test("A machine that keeps up is left alone, whatever waits once")
    func calm() {
        var machine = Machine(loads: [0.6, 0.2, 0.07])
        machine.run(seconds: 100)
        machine.backlog = 0.9
        machine.run(seconds: 20)
        // A burst of a device without a clock: a second later less of it waits.
        machine.backlog = 3.5
        machine.run(seconds: 20)
        #expect(machine.changes.isEmpty)
    }

    @Test("One that can't takes as few levels as it needs, within seconds, and stays there")
    func overload() {
        var machine = Machine(loads: [2.5, 0.85, 0.3, 0.1])
        machine.run(seconds: 10)
        #expect(machine.changes.map(\.level) == [1])
        #expect(machine.changes[0].time <= 3)
        // The level before would be too much: it isn't tried.
        machine.run(seconds: 3600)
        #expect(machine.changes.count == 1 && machine.backlog == 0)
    }

    @Test("A full buffer, which can't grow any more, is no backlog that is caught up with")
    func full() {
        var machine = Machine(loads: [9, 3, 0.9])
        machine.backlog = 4
        machine.run(seconds: 5)
        #expect(machine.rule.level == 2)
    }

    @Test("There is no level behind the last")
    func last() {
        var machine = Machine(loads: [9, 3])
        machine.run(seconds: 60)
        #expect(machine.changes.map(\.level) == [1])
    }

    @Test("When others no longer take the machine, a level comes back every ten seconds of sound")
    func recovery() {
        var machine = Machine(loads: [0.6, 0.2, 0.07])
        machine.share = 0.08
        machine.run(seconds: 60)
        #expect(machine.changes.map(\.level) == [1, 2])
        machine.share = 1
        machine.run(seconds: 60)
        #expect(machine.changes.map(\.level) == [1, 2, 1, 0])
        let back = machine.changes.suffix(2).map { $0.time - 60 }
        // What was heard while the machine was busy is measured once more, at most.
        #expect(back[0] >= 5 && back[0] <= 21)
        #expect(back[1] - back[0] >= 10 && back[1] - back[0] <= 12)
        machine.run(seconds: 3600)
        #expect(machine.changes.count == 4)
    }

    @Test("A step back that proves wrong is tried half as often each time, down to once in eleven minutes")
    func hysteresis() {
        // The first level costs four times what its arithmetic says.
        var machine = Machine(loads: [2, 0.2], costs: [2.5, 1])
        machine.rule = OverloadRule(costs: [2.5, 1])
        machine.run(seconds: 7200)
        let tries = machine.changes.filter { $0.level == 0 }.map(\.time)
        let failures = machine.changes.filter { $0.level == 1 }.map(\.time)
        #expect(tries.count >= 8)
        let pauses = zip(failures, tries).map { $1 - $0 }
        var wanted = OverloadRule.shortestCalm
        for pause in pauses {
            // To the backlog's end, to the next look, and so long.
            #expect(pause >= wanted && pause <= wanted + 6)
            wanted = min(2 * wanted, OverloadRule.longestCalm)
        }
        #expect(pauses.max().map { $0 >= OverloadRule.longestCalm } == true)
        // A try costs seconds.
        for (start, end) in zip(tries, failures.dropFirst()) { #expect(end - start < 4) }
    }

    @Test("A step back that held is forgotten: the next overload is an overload like the first")
    func forgiveness() {
        var machine = Machine(loads: [2, 0.2], costs: [2.5, 1])
        machine.run(seconds: 300)
        #expect(machine.rule.calm > OverloadRule.shortestCalm)
        machine.loads = [0.4, 0.2]
        machine.run(seconds: 400)
        #expect(machine.rule.level == 0 && machine.rule.calm == OverloadRule.shortestCalm)
    }

    @Test("Time without sound is no calm")
    func silence() {
        var machine = Machine(loads: [0.6, 0.2])
        machine.share = 0.3
        machine.run(seconds: 10)
        #expect(machine.rule.level == 1)
        machine.hasSound = false
        machine.run(seconds: 3600)
        #expect(machine.rule.level == 1)
        machine.hasSound = true
        machine.share = 1
        machine.run(seconds: 30)
        #expect(machine.rule.level == 0)
    }

    @Test("Other nets begin at the level that held, as far as they have it")
    func otherNets() {
        var machine = Machine(loads: [9, 3, 0.9])
        machine.run(seconds: 10)
        #expect(machine.rule.level == 2)
        machine.rule.use(costs: [0.3, 0.1])
        machine.loads = [0.3, 0.1]
        #expect(machine.rule.level == 1)
        machine.run(seconds: 30)
        #expect(machine.rule.level == 0)
    }
}
