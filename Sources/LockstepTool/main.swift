// Where the program starts: first of all a look at the CPU, so that an old one is told what it lacks and never meets an
// instruction that it does not know. Commands lie in CommandTable.swift.

import CLockstepCPU

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

if let missingFeature = lockstep_cpu_missing_feature() {
  let sentence =
    "lockstep: this CPU lacks \(String(cString: missingFeature)); Lockstep needs x86-64-v3 (AVX2 and FMA) or arm64\n"
  writeToStandardError(sentence)
  exit(1)
}

// Where a standard stream is closed, the next file or pipe would take its number and its bytes. What stands in for it
// cannot be written, so that lost results are still an error.
while true {
  let descriptor = open("/dev/null", O_RDONLY)
  if descriptor > STDERR_FILENO {
    close(descriptor)
    break
  }
  if descriptor < 0 { break }
}

// A reader that closes its end early is told by write(2), not by a signal.
signal(SIGPIPE, SIG_IGN)
exit(runCommandLine(Array(CommandLine.arguments.dropFirst())))
