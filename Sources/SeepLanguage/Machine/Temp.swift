import Ground
public final class SourceHandle {}
extension Session {
  func loadModule(_ name: Slot, _ from: SourceHandle) throws -> Slot { .none }
}
