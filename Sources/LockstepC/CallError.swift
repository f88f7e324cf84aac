// From Swift's errors to statuses and messages: no error crosses into C in any other way. What is checked before a call
// lies in Arguments.swift and Operands.swift.

import CLockstep
import Lockstep

/// Why a call fails.
struct CallError: Error {
  /// One of `LOCKSTEP_INVALID_ARGUMENT` and those after it.
  let status: Int
  /// A sentence that names the argument.
  let message: String
  /// The system's `errno`; 0 where it gave none.
  let number: Int32

  init(_ status: Int, _ message: String, number: Int32? = nil) {
    self.status = status
    self.message = message
    self.number = number ?? 0
  }
}

/// Runs the body of a function of the C interface.
///
/// - Returns: the status, its message and number left for `lockstep_error_message` and `lockstep_error_number`.
@inline(__always)
func status(of body: () throws(CallError) -> Void) -> lockstep_status {
  do {
    try body()
    return lockstep_status(LOCKSTEP_OK)
  } catch {
    lockstep_set_error(error.message, error.number)
    return lockstep_status(error.status)
  }
}

extension CallError {
  init(_ error: BackendError) {
    let status =
      switch error {
      case .threads: LOCKSTEP_INVALID_ARGUMENT
      case .unavailable, .unknownInstructionSetCap: LOCKSTEP_UNAVAILABLE
      }
    self.init(status, "\(error)")
  }

  init(_ error: NetworkError) {
    self.init(LOCKSTEP_INVALID_SHAPE, "\(error)")
  }

  init(_ error: TrainingError) {
    switch error {
    case .network(let error): self.init(error)
    case .schedule, .state, .hyperparameter: self.init(LOCKSTEP_INVALID_ARGUMENT, "\(error)")
    case .notFinite, .notFiniteData: self.init(LOCKSTEP_NOT_FINITE, "\(error)")
    }
  }

  init(_ error: ModelFileError) {
    let status =
      switch error.problem {
      case .missing, .folder, .unreadable, .unwritable: LOCKSTEP_FILE_ERROR
      default: LOCKSTEP_INVALID_MODEL
      }
    self.init(status, "\(error)", number: error.errorNumber)
  }

  init(_ error: NetworkFileError) {
    switch error {
    case .file(let error): self.init(error)
    case .network: self.init(LOCKSTEP_INVALID_MODEL, "\(error)")
    }
  }
}
