import Daemon

await runProgram()
