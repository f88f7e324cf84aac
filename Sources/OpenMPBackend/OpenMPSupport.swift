// What this build and this CPU have of the backend, whatever its element type.

import CLockstepCPU
import CLockstepKernels
import ComputeBackend

/// What this build and this CPU offer the OpenMP backend.
public enum OpenMPSupport {
  /// The version of OpenMP that was built with, as the year and month of its specification, such as 201811; nil where
  /// the build has none.
  public static var version: Int? {
    let version = lockstep_openmp_version()
    return version == 0 ? nil : Int(version)
  }

  /// The instruction sets that this CPU can run, best first; none where the backend is unavailable.
  public static var instructionSets: [InstructionSet] {
    guard unavailability == nil else { return [] }
    #if arch(x86_64)
      return lockstep_cpu_supports_avx512() ? [.avx512, .avx2] : [.avx2]
    #elseif arch(arm64)
      return [.neon]
    #else
      return []
    #endif
  }

  /// How many threads the backend should take where nobody says: as many as the environment variable `OMP_NUM_THREADS`
  /// says, else one for each core that this process may run on; 1 where the variable makes no sense.
  public static var defaultThreads: Int { Int(lockstep_default_threads()) }

  /// Why the backend cannot run here, in one sentence; nil where it can.
  public static var unavailability: String? {
    guard version != nil else {
      #if OpenMP
        // SwiftPM keeps the evaluated manifest, which is where the library is looked for.
        return "this build found no OpenMP run-time library: install libomp-dev, run `swift package purge-cache`, and "
          + "build again"
      #else
        return "this build has the OpenMP trait off: build again with it on, and with libomp-dev installed"
      #endif
    }
    if let feature = lockstep_cpu_missing_feature() {
      return "this CPU lacks \(String(cString: feature)), which the kernels need"
    }
    return nil
  }
}
