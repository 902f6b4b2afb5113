// The way down for presets that use L-BFGS.
import Ground
import Networks
import Tensors

extension PixelDescent {
  /// `steps` directions for each beginning, one beginning after the other; `report` gets every point that is looked at.
  /// - Returns: the images of all beginnings after their last step.
  func descendByLBFGS(
    from start: Tensor, _ objective: PixelObjective, _ report: (_ images: Tensor, _ losses: [Double]) throws -> Void
  ) throws -> Tensor {
    let examples = max(1, objective.rehearsal.labels.count)
    let ends = try stride(from: 0, to: start.shape[0], by: examples).map { first in
      // One direction a step, so that the box can hold after each.
      var optimiser = LBFGS(rate: rate, maxIterations: 1, maxEvaluations: 25, lineSearch: .strongWolfe)
      var point = try start.slice(axis: 0, from: first, to: first + examples).contiguous()
      for _ in 0..<steps {
        try Interrupt.check()
        let (next, loss) = try optimiser.step([point]) { points in
          let (losses, slopes) = try objective.withSlopes(points[0])
          try report(points[0], losses)
          return (losses[0], [slopes])
        }
        let moved = boxed ? try next[0].clamp(low, high) : next[0]
        let went = try Tensor.combine(.sub, moved, point).map(.abs).reduce(.max).item()
        point = moved
        if !loss.isFinite || went == 0 { break }
      }
      return point
    }
    return ends.count == 1 ? ends[0] : try Tensor.concat(ends, axis: 0)
  }
}
