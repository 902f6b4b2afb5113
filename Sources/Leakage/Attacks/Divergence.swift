// An attack whose loss was never a number: which step, and which operation was the first to give NaN or Inf.
import Autodiff
import Ground

/// The fault of an attack without a finite loss.
/// - Parameter again: computes the loss of that step once more.
func diverged(_ attack: String, step: Int, _ again: () throws -> Void) -> Fault {
  Fault(
    "diverged", "\(attack) found no image with a finite loss: from step \(step) on it is nan or inf",
    notes: firstNotFinite(again).map { [$0] } ?? [])
}
