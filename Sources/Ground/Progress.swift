// Progress of long jobs: the session owns where it is shown, the engine only reports.

/// A batch of images that a job has so far, read only where somebody looks.
public struct Preview: Sendable {
  /// `[n, channels, height, width]`.
  public var shape: [Int]
  /// The values in 0…1, row by row.
  public var values: @Sendable () throws -> [Float]

  public init(shape: [Int], values: @escaping @Sendable () throws -> [Float]) {
    self.shape = shape
    self.values = values
  }
}

/// One report of a running job.
public struct ProgressReport: Sendable {
  /// What is running: `ggl`, `training`.
  public var name: String
  /// Steps done and steps in all (0 where the number is not known).
  public var done: Int
  public var total: Int
  /// A short changing remark such as `loss 0.0123`.
  public var remark: String
  /// Lines that a terminal shows below the bar, such as the table so far.
  public var details: [String]
  /// What an attack has recovered so far, for a place that can show it.
  public var preview: Preview?

  public init(
    _ name: String, done: Int, total: Int, remark: String = "", details: [String] = [], preview: Preview? = nil
  ) {
    self.name = name
    self.done = done
    self.total = total
    self.remark = remark
    self.details = details
    self.preview = preview
  }
}

/// Where progress goes. A bar on a terminal, plain lines elsewhere, nothing in tests.
public protocol ProgressSink: AnyObject {
  func report(_ report: ProgressReport)
  /// The job ended (done or not): a bar is removed or completed.
  func finish(_ name: String)
}

/// Shows nothing.
public final class SilentProgress: ProgressSink {
  public init() {}
  public func report(_ report: ProgressReport) {}
  public func finish(_ name: String) {}
}
